package script

import (
	"maps"
	"slices"
)

// Mutate calls each with the tree, as JSON has it, changed in one place after another: a text of it replaced by
// another one, or a key.
func Mutate(tree any, text string, each func()) {
	switch node := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			value := node[key]
			if _, ok := value.(string); ok {
				node[key] = text
				each()
			} else {
				Mutate(value, text, each)
			}
			delete(node, key)
			node[text] = value
			each()
			delete(node, text)
			node[key] = value
		}
	case []any:
		for i, value := range node {
			if _, ok := value.(string); ok {
				node[i] = text
				each()
				node[i] = value
			} else {
				Mutate(value, text, each)
			}
		}
	}
}
