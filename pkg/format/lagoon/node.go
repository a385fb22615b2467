package lagoon

import (
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"
)

// resolved returns the target of an alias, and any other node unchanged.
func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// isNull reports whether a key has no value.
func isNull(n *yaml.Node) bool {
	n = resolved(n)
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// value returns the value of a key by Lagoon's rules: case does not matter, and the last duplicate counts.
func value(mapping *yaml.Node, key string) *yaml.Node {
	mapping = resolved(mapping)
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	var found *yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if strings.EqualFold(mapping.Content[i].Value, key) {
			found = mapping.Content[i+1]
		}
	}
	return found
}

// exactValue returns the value of a key. Case matters, and the last duplicate counts.
func exactValue(mapping *yaml.Node, key string) *yaml.Node {
	var found *yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			found = resolved(mapping.Content[i+1])
		}
	}
	return found
}

// isWhole reports whether a value is a whole number. 1.0 is one, because Lagoon reads YAML as JSON.
func isWhole(v *yaml.Node) bool {
	var number float64
	switch v.ShortTag() {
	case "!!int":
		return true
	case "!!float":
		return v.Decode(&number) == nil && number == math.Trunc(number) && math.Abs(number) < 1e21
	}
	return false
}

// isBoolean reports whether a value is a boolean in YAML 1.1, which Lagoon's library reads.
func isBoolean(v *yaml.Node) bool {
	wordOperators := []string{"y", "n", "yes", "no", "on", "off"}
	return v.ShortTag() == "!!bool" ||
		v.Kind == yaml.ScalarNode && v.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 && slices.Contains(wordOperators, strings.ToLower(v.Value))
}

// decode fills target from a node by Lagoon's rules: the case of keys does not matter, and the last duplicate
// counts.
func decode(n *yaml.Node, target any) error {
	text, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	return kyaml.Unmarshal(text, target)
}
