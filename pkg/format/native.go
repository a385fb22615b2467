package format

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

var nativeFormat = Format{
	Name:       "native",
	Files:      []string{native.FileName, "tasks.yml", "tasks.json"},
	Extensions: []string{".yaml", ".yml", ".json"},
	Recognises: native.Recognises,
	Parse:      parseNative,
	Parameters: native.Parameters,
}

func parseNative(d Document, _ []Document, o Options) ([]task.Task, task.Diagnostics) {
	return native.Parse(d.Text, native.Options{
		Source: d.Source, ReadFile: d.ReadFile, Glob: d.Glob,
		Facts: o.Facts, Runs: o.Runs, Lenient: o.Lenient,
	})
}
