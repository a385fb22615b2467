package format

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

var lagoonFormat = Format{
	Name:       "lagoon",
	Files:      []string{lagoon.FileName},
	Extensions: []string{lagoon.FileName, ".yaml", ".yml", ".json"},
	Shared:     true,
	Recognises: lagoon.Recognises,
	Parse:      parseLagoon,
	Parameters: lagoon.Parameters,
	Convert:    convertLagoon,
}

func parseLagoon(d Document, _ []Document, o Options) ([]task.Task, task.Diagnostics) {
	options := o.ForLagoon()
	options.Source, options.ReadFile = d.Source, d.ReadFile
	return lagoon.Parse(d.Text, options)
}

// ForLagoon returns the options as package lagoon takes them, without a document.
func (o Options) ForLagoon() lagoon.Options {
	options := lagoon.Options{
		Facts: lagoon.Facts{
			Operation: o.Facts.Operation, Release: o.Facts.Release, Namespace: o.Facts.Namespace, Context: o.Lagoon.Context,
			Variables: o.Lagoon.Variables, Branch: o.Lagoon.Branch, Commit: o.Lagoon.Commit, Cluster: o.Lagoon.Cluster,
		},
		Runs: o.Runs, Lenient: o.Lenient, Arguments: o.Facts.Params, Timeout: o.Timeout,
		Compat: o.Lagoon.Compat, ServiceLabel: o.Lagoon.ServiceLabel,
	}
	options.Override, _ = o.Getenv("LAGOON_YAML_OVERRIDE")
	return options
}

func convertLagoon(d Document, o Options) (Converted, task.Diagnostics) {
	c, found := lagoon.Convert(d.Text, lagoon.Options{Source: d.Source, ReadFile: d.ReadFile, Facts: lagoon.Facts{Variables: o.Lagoon.Variables}})
	return Converted{native.Content{Tasks: c.Tasks, When: c.When, Params: c.Params, Notes: c.Notes}, c.Deviations}, found
}
