package strict

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Error is an error at a position of the document. Lines and columns start at 1; 0 is unknown.
type Error struct {
	Line, Column int
	Message      string
}

// Error returns the message without the position.
func (e Error) Error() string { return e.Message }

// Within returns the index of the node that contains the position; -1 when it is before the first one. The
// nodes are in the order of the document.
func (e Error) Within(nodes []*yaml.Node) int {
	at := -1
	for i, n := range nodes {
		if n.Line < e.Line || n.Line == e.Line && n.Column <= e.Column {
			at = i
		}
	}
	return at
}

// At returns an error at the position of a node.
func At(n *yaml.Node, format string, args ...any) Error {
	return Error{n.Line, n.Column, fmt.Sprintf(format, args...)}
}
