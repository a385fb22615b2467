package strict

import (
	"errors"

	"go.yaml.in/yaml/v3"
)

const (
	// maxNodes limits the nodes of a document with expanded aliases. It is more than any task file needs, and
	// less than a few lines with aliases of aliases expand to.
	maxNodes = 500_000
	// maxDepth limits the nesting of nodes.
	maxDepth = 100
)

var errTooLarge = errors.New("the document grows too large when its aliases are expanded")

// expander replaces aliases by their values and merges "<<" into its mapping. It rejects duplicate keys, and keys
// that are not strings.
type expander struct{ nodes int }

// Expand returns a document without aliases and merges. The error is an Error when it has a position.
func Expand(n *yaml.Node) (*yaml.Node, error) { return new(expander).expand(n, 0) }

func (e *expander) expand(n *yaml.Node, depth int) (*yaml.Node, error) {
	if e.nodes++; e.nodes > maxNodes {
		return nil, errTooLarge
	}
	if depth > maxDepth {
		return nil, At(n, "nested more than %d deep", maxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		// An alias that contains itself is stopped by maxDepth.
		return e.expand(n.Alias, depth+1)
	case yaml.MappingNode:
		return e.mapping(n, depth)
	case yaml.SequenceNode, yaml.DocumentNode:
		copied := *n
		copied.Content = nil
		for _, c := range n.Content {
			item, err := e.expand(c, depth+1)
			if err != nil {
				return nil, err
			}
			copied.Content = append(copied.Content, item)
		}
		return &copied, nil
	case yaml.ScalarNode:
		return n, nil
	}
	return nil, At(n, "this kind of YAML node is not supported")
}

func (e *expander) mapping(n *yaml.Node, depth int) (*yaml.Node, error) {
	copied := *n
	copied.Content = nil
	seen := map[string]*yaml.Node{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, At(key, "a key must be a string")
		}
		if first, twice := seen[key.Value]; twice {
			return nil, At(key, "the key %q is used twice, first at line %d", key.Value, first.Line)
		}
		seen[key.Value] = key
		expanded, err := e.expand(value, depth+1)
		if err != nil {
			return nil, err
		}
		copied.Content = append(copied.Content, key, expanded)
	}
	for _, m := range merged {
		if err := e.merge(&copied, seen, m, depth); err != nil {
			return nil, err
		}
	}
	return &copied, nil
}

// merge adds the keys of a mapping, or of a list of mappings, except those that the target has.
func (e *expander) merge(target *yaml.Node, seen map[string]*yaml.Node, from *yaml.Node, depth int) error {
	expanded, err := e.expand(from, depth+1)
	if err != nil {
		return err
	}
	sources := []*yaml.Node{expanded}
	if expanded.Kind == yaml.SequenceNode {
		sources = expanded.Content
	}
	for _, s := range sources {
		if s.Kind != yaml.MappingNode {
			return At(from, "<< needs a mapping")
		}
		for i := 0; i+1 < len(s.Content); i += 2 {
			key := s.Content[i]
			if _, has := seen[key.Value]; !has {
				seen[key.Value] = key
				target.Content = append(target.Content, key, s.Content[i+1])
			}
		}
	}
	return nil
}
