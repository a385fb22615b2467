package keptn

import "go.yaml.in/yaml/v3"

// scalar returns the text of a key; "" when it does not exist.
func scalar(n *yaml.Node, key string) string {
	if v := value(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// value returns the value of a key; nil when it does not exist.
func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// nodeAt returns the node at a path, else the last node on the way to it.
func nodeAt(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		next := value(n, key)
		if next == nil {
			break
		}
		n = next
	}
	return n
}

// nameOf returns metadata.name of an object.
func nameOf(n *yaml.Node) string { return scalar(value(n, "metadata"), "name") }
