package draft

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func (p *parser) errorAt(offset int, name, hint, format string, args ...any) {
	p.found = append(p.found, task.Diagnostic{
		Position: p.position(offset), Severity: task.Error, Task: name,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// position returns the line and column of a byte of the file.
func (p *parser) position(offset int) task.Position {
	before := p.text[:min(max(offset, 0), len(p.text))]
	line := bytes.Count(before, []byte("\n"))
	start := bytes.LastIndexByte(before, '\n') + 1
	return task.Position{File: p.opts.Source.Name, Line: line + 1, Column: utf8.RuneCount(before[start:]) + 1}
}

// column converts a column in bytes to a column in characters.
func (p *parser) column(row, column int) int {
	lines := bytes.Split(p.text, []byte("\n"))
	if row < 1 || row > len(lines) || column < 1 {
		return column
	}
	line := lines[row-1]
	return utf8.RuneCount(line[:min(column-1, len(line))]) + 1
}

// key returns the parts of a node's key and its offset.
func key(node *unstable.Node) (parts []string, offset int) {
	it := node.Key()
	for it.Next() {
		if len(parts) == 0 {
			offset = int(it.Node().Raw.Offset)
		}
		parts = append(parts, string(it.Node().Data))
	}
	return parts, offset
}

// valueOffset returns the offset of a value, else the fallback: the parser has no offset for some kinds.
func valueOffset(value *unstable.Node, fallback int) int {
	if value.Raw.Length == 0 {
		return fallback
	}
	return int(value.Raw.Offset)
}
