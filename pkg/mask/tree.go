package mask

import (
	"cmp"
	"slices"
)

// tree is a set of texts to search for in other texts. It is a radix tree, so that additions and searches do not become
// slower with the number of texts: a task may print thousands of secrets.
type tree struct {
	// first are the nodes by the first byte of their secrets.
	first [256]*node
	any   bool
}

// node is a common prefix of secrets.
type node struct {
	// label is the part of the prefix after the parent node; it is not empty.
	label string
	// end reports that a secret ends here.
	end bool
	// next are the child nodes, in the order of their first bytes.
	next []*node
}

// add adds a text that is not empty; false when the tree has it already.
func (t *tree) add(text string) bool {
	t.any = true
	at := &t.first[text[0]]
	for {
		n := *at
		if n == nil {
			*at = &node{label: text, end: true}
			return true
		}
		same := common(n.label, text)
		if same < len(n.label) {
			*at = &node{label: n.label[:same], next: []*node{n}}
			n.label = n.label[same:]
			n = *at
		}
		if text = text[same:]; text == "" {
			known := n.end
			n.end = true
			return !known
		}
		i, has := n.after(text[0])
		if !has {
			n.next = slices.Insert(n.next, i, nil)
		}
		at = &n.next[i]
	}
}

// after returns the index of the child of n that begins with a byte, and whether there is one.
func (n *node) after(b byte) (int, bool) {
	return slices.BinarySearchFunc(n.next, b, func(n *node, b byte) int { return cmp.Compare(n.label[0], b) })
}

// common returns the length of the common prefix of two texts.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// longest returns the length of the longest secret that b begins with; 0 when there is none. open reports that b ends within
// a longer one.
func (t *tree) longest(b []byte) (length int, open bool) {
	n := t.first[b[0]]
	for at := 0; n != nil; {
		rest := b[at:]
		if len(rest) < len(n.label) {
			return length, n.label[:len(rest)] == string(rest)
		}
		if string(rest[:len(n.label)]) != n.label {
			return length, false
		}
		if at += len(n.label); n.end {
			length = at
		}
		if at == len(b) {
			return length, len(n.next) > 0
		}
		i, has := n.after(b[at])
		if !has {
			return length, false
		}
		n = n.next[i]
	}
	return length, false
}

// replace returns b with each secret replaced by Placeholder, of those that begin at one place the longest. masked reports
// whether there was one. With open it stops where an incomplete secret could begin, and returns the rest.
func (t *tree) replace(b []byte, open bool) (shown, rest []byte, masked bool) {
	from := 0
	for i := 0; i < len(b); {
		length, more := t.longest(b[i:])
		switch {
		case open && more:
			return append(shown, b[from:i]...), b[i:], masked
		case length == 0:
			i++
		default:
			shown = append(append(shown, b[from:i]...), Placeholder...)
			i += length
			from, masked = i, true
		}
	}
	return append(shown, b[from:]...), nil, masked
}
