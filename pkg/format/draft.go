package format

import (
	"maps"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/draft"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

var draftFormat = Format{
	Name:       "draft",
	Files:      []string{draft.FileName, "draft-tasks.toml", "tasks.toml"},
	Extensions: []string{".toml"},
	Recognises: draft.Recognises,
	Parse:      parseDraft,
	Convert:    convertDraft,
}

func parseDraft(d Document, _ []Document, o Options) ([]task.Task, task.Diagnostics) {
	return draft.Parse(d.Text, draft.Options{Source: d.Source, Getenv: o.Getenv, Shell: o.Draft.Shell, Compat: o.Draft.Compat})
}

// runVariables are the expressions that replace the variables of a run.
var runVariables = map[string]string{
	"TASKS_RELEASE": "release.name", "TASKS_NAMESPACE": "release.namespace", "TASKS_OPERATION": "operation", "TASKS_PHASE": "phase",
}

func convertDraft(d Document, o Options) (Converted, task.Diagnostics) {
	// All variables except those of a run are the machine's.
	env := map[string]bool{}
	getenv := func(name string) (string, bool) {
		expression, ok := runVariables[name]
		if !ok {
			expression, env[name] = "env."+name, true
		}
		return begin + expression + end, true
	}
	tasks, found := draft.Parse(d.Text, draft.Options{Source: d.Source, Shell: o.Draft.Shell, Getenv: getenv})
	return Converted{native.Content{Tasks: tasks, Env: slices.Sorted(maps.Keys(env))}, draft.Deviations}, found
}
