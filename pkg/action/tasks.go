package action

import (
	"context"
	"errors"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// taskSet is the documents that an action found, with their tasks.
type taskSet struct {
	format.Set

	// searched lists the places that were searched for documents; empty when the user named them.
	searched string
}

// sources are the places of documents other than files and the cluster. All can be nil.
type sources struct {
	// files returns the files of the chart.
	files func() ([]release.File, error)
	// rendered returns the objects of the rendered chart; nil when no annotated ConfigMap can be among them.
	rendered func() ([]*unstructured.Unstructured, error)
	// recorded returns the documents of the release's ledger.
	recorded func(context.Context) ([]format.Document, error)
}

// find returns the documents that the references name or, without references, those in the places that are searched.
func (r *Request) find(ctx context.Context, client *kube.Client, rel plan.Release, from sources) (source.Found, error) {
	dir, err := r.Config.Directory()
	if err != nil {
		return source.Found{}, err
	}
	finder := source.Finder{
		Formats: format.All, Format: r.Format, Dir: dir, Stdin: r.Config.stdin,
		Client: client, Namespace: rel.Namespace, Release: rel.Name, Recorded: from.recorded,
	}
	if from.rendered != nil {
		finder.Rendered = func() ([]corev1.ConfigMap, error) {
			objects, err := from.rendered()
			if err != nil {
				return nil, err
			}
			return source.ConfigMaps(objects)
		}
	}
	if from.files != nil {
		finder.Chart = func() (map[string][]byte, error) {
			all, err := from.files()
			files := make(map[string][]byte, len(all))
			for _, f := range all {
				files[f.Name] = f.Text
			}
			return files, err
		}
	}
	found, err := finder.Find(ctx, r.References)
	for _, note := range found.Notes {
		r.Config.note(note)
	}
	if usage := (*source.UsageError)(nil); errors.As(err, &usage) {
		err = UsageError{err}
	}
	return found, err
}

// reading returns the options that the user chose for reading documents, with the facts of a run.
func (r *Request) reading(op task.Operation, rel plan.Release, getenv func(string) (string, bool)) format.Options {
	o := r.Read
	o.Facts, o.Getenv = r.Config.facts(op, rel), getenv
	o.Facts.Params = r.Read.Facts.Params
	return o
}

// read parses documents. Findings of severity Error are the error; the others are in the result.
func (r *Request) read(found source.Found, o format.Options) (taskSet, error) {
	set, err := format.Read(found.Documents, o)
	if option := (*format.OptionError)(nil); errors.As(err, &option) {
		err = UsageError{err}
	}
	return taskSet{set, found.Searched}, err
}

// addLagoonFacts adds the facts of git and the cluster to the options of Lagoon's format.
func (r *Request) addLagoonFacts(client *kube.Client, namespace string, o *format.Options) {
	lagoon.AddGit(&o.Lagoon, "")
	cluster := lagoon.NewCluster(client, namespace, r.Config.note)
	cluster.AddTo(&o.Lagoon)
	o.FactsErr = func() error {
		if err := cluster.Err(); err != nil {
			return &release.PreflightError{Err: err}
		}
		return nil
	}
}

// facts are the facts of a run that expressions can refer to.
func (c *Config) facts(op task.Operation, rel plan.Release) expression.Facts {
	return expression.Facts{Operation: op, Release: rel.Name, Namespace: rel.Namespace, Getenv: c.lookup}
}

// announce logs the number of tasks of each document, and the warnings about the documents and the planned tasks.
func (c *Config) announce(found taskSet, planned []task.Task) {
	if len(found.Documents)+len(found.Tasks) == 0 && found.searched != "" {
		c.say("no tasks: none in %s", found.searched)
	}
	for _, d := range found.Documents {
		count := 0
		for _, t := range found.Tasks {
			if t.Source.Name == d.Name {
				count++
			}
		}
		c.say("tasks from %s (%s): %d", d.Name, d.Format, count)
	}
	names := map[string]bool{"": true}
	for _, t := range planned {
		names[t.Name] = true
	}
	for _, d := range found.Diagnostics {
		if d.Severity == task.Warning && names[d.Task] {
			c.say("warning: %s", strings.ReplaceAll(d.Error(), "\n", "; "))
		}
	}
}
