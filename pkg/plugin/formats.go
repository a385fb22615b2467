package plugin

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/draft"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// parseOptions are what reading any format may depend on besides the text.
type parseOptions struct {
	// getenv is the environment that tasks on this machine get.
	getenv func(string) (string, bool)
	draftShell,
	draftCompat bool
	// facts are what expressions can refer to; lenient takes missing values for empty.
	facts   expression.Facts
	lenient bool
	// runs tells which tasks may run; nil means all.
	runs func(name string, phase task.Phase) bool
	// taskTimeout is how long a task may take that does not say it; 0 when nobody did.
	taskTimeout time.Duration
	// lagoon and vars are the flags about tasks of Lagoon, and their variables; env are those of the
	// namespace, nil when there is no cluster to ask.
	lagoon lagoonFlags
	vars   map[string]string
	env    *lagoonEnv
	// keptn are all documents of that format: their definitions refer to one another.
	keptn []keptn.Document
	// keptnNamespaces are where the cluster's were looked for.
	keptnNamespaces []string
	// images are the runner images of scripts, by runtime.
	images map[task.Runtime]string
}

// formats is the registry: a new format is a package under pkg/format and a line here.
var formats = []struct {
	source.Format
	parse func(source.Document, parseOptions) ([]task.Task, task.Diagnostics)
}{
	{source.Format{Name: "native", Files: []string{native.FileName, "tasks.yml", "tasks.json"}, Extensions: []string{".yaml", ".yml", ".json"}, Recognises: native.Recognises}, parseNative},
	{source.Format{Name: "lagoon", Files: []string{lagoon.FileName}, Extensions: []string{lagoon.FileName, ".yaml", ".yml", ".json"}, Recognises: lagoon.Recognises, Shared: true}, parseLagoon},
	{source.Format{Name: "keptn", Files: []string{"keptn.yaml"}, Extensions: []string{".yaml", ".yml", ".json"}, Recognises: keptn.Recognises, Shared: true}, parseKeptn},
	{source.Format{Name: "draft", Files: []string{draft.FileName, "draft-tasks.toml", "tasks.toml"}, Extensions: []string{".toml"}, Recognises: draft.Recognises}, parseDraft},
}

func knownFormats() []source.Format {
	known := make([]source.Format, len(formats))
	for i, f := range formats {
		known[i] = f.Format
	}
	return known
}

// parse reads a document in the format that its source recognised.
func parse(d source.Document, o parseOptions) ([]task.Task, task.Diagnostics) {
	for _, f := range formats {
		if f.Name == d.Format {
			return f.parse(d, o)
		}
	}
	return nil, task.Diagnostics{{Position: task.Position{File: d.Name}, Severity: task.Error, Message: "unknown format " + d.Format}}
}

func parseDraft(d source.Document, o parseOptions) ([]task.Task, task.Diagnostics) {
	return draft.Parse(d.Text, draft.Options{
		Source: d.Source, Getenv: o.getenv, Shell: o.draftShell, Compat: o.draftCompat,
	})
}

func parseNative(d source.Document, o parseOptions) ([]task.Task, task.Diagnostics) {
	return native.Parse(d.Text, native.Options{Source: d.Source, Facts: o.facts, Runs: o.runs, ReadFile: d.ReadFile, Glob: d.Glob, Lenient: o.lenient})
}
