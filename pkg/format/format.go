package format

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// All are the formats, in the order in which a document is matched against them. A new format is a
// package below this one, a file here that describes it, and a line in this table.
var All = List{
	nativeFormat,
	lagoonFormat,
	keptnFormat,
	draftFormat,
}

// Format describes one task file format.
type Format struct {
	// Name identifies the format in the annotation kubectl-tasks.io/format and in --format.
	Name string
	// Files are the file names of the format. Directories and charts are searched for the first one only.
	Files []string
	// Extensions are suffixes of file names that the format can have, such as ".toml".
	Extensions []string
	// Shared reports that other programs use files of these names, too. In a directory or a chart such a
	// file counts only when Recognises accepts its text.
	Shared bool
	// Recognises reports whether a text looks like this format. It decides when the file name is missing
	// or belongs to several formats.
	Recognises func(text []byte) bool
	// Parse returns the tasks of a document and all findings about it; no tasks when a finding is an
	// error. The document is one of all.
	Parse func(d Document, all []Document, o Options) ([]task.Task, task.Diagnostics)
	// Parameters returns the names of the parameters that a text declares, in any order; nil when the
	// format has no parameters.
	Parameters func(text []byte) []string
	// Convert returns a document as the content of a tasks.yaml, and all findings about it; nil when the
	// format is tasks.yaml itself.
	Convert func(d Document, o Options) (Converted, task.Diagnostics)
}

// Converted is a document as the content of a tasks.yaml.
type Converted struct {
	native.Content

	// Deviations are the differences between the format and tasks.yaml, a line each.
	Deviations []string
}

// Document is the text of one task document.
type Document struct {
	task.Source
	Text []byte
	// ReadFile returns the text of another file of the same source, by its path relative to the
	// document: in its directory, its chart or its ConfigMap. A missing file is fs.ErrNotExist.
	ReadFile func(path string) ([]byte, error)
	// Glob returns the sorted paths of the files of the same source that match a pattern of path.Match.
	Glob func(pattern string) ([]string, error)
}
