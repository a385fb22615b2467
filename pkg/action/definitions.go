package action

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Definitions reads task documents without a run. It sends requests to the cluster only if Release or a reference names an
// object in it.
type Definitions struct {
	Request
	// Release is the release whose annotated ConfigMaps and chart are read, too; may be empty.
	Release string
}

// Documents returns the documents. It is a UsageError when there are none.
func (d *Definitions) Documents(ctx context.Context) ([]format.Document, error) {
	found, err := d.search(ctx)
	return found.Documents, err
}

// Read returns the tasks of the documents, and logs their sources if announce is set. Findings of severity Error
// are the error; the set has all findings also then.
func (d *Definitions) Read(ctx context.Context, announce bool) (format.Set, error) {
	found, err := d.search(ctx)
	if err != nil {
		return format.Set{}, err
	}
	rel := plan.Release{Name: d.Release}
	// The variables of a run have values here, so that they are not reported as unset.
	options := d.reading("", rel, d.Config.newEnvironment("", rel).Lookup)
	options.Lenient = true
	lagoon.AddGit(&options.Lagoon, "")
	set, err := d.read(found, options)
	if err == nil && announce {
		d.Config.announce(set, nil)
	}
	return set.Set, err
}

// Lint returns the tasks of the documents and all findings about them, sorted by position. Tasks of each of the files are
// checked as a run of its own, all others as one run.
func (d *Definitions) Lint(ctx context.Context, files []string) (format.Set, error) {
	set, err := d.Read(ctx, false)
	var found task.Diagnostics
	if err != nil && !errors.As(err, &found) {
		return set, err
	}
	if err == nil {
		// A document alone does not show, for example, that two documents use the same name.
		for _, tasks := range runsOf(set.Tasks, files) {
			for _, op := range []task.Operation{task.Install, task.Upgrade, task.Uninstall} {
				if _, err := plan.Build(op, plan.Release{}, tasks); errors.As(err, &found) {
					set.Diagnostics = append(set.Diagnostics, found...)
					break
				}
			}
		}
	}
	set.Diagnostics.Sort()
	return set, nil
}

// search finds the documents.
func (d *Definitions) search(ctx context.Context) (source.Found, error) {
	var client *kube.Client
	namespace := ""
	if d.Release != "" || namesConfigMap(d.References) {
		var err error
		if namespace, err = d.Connection.Namespace(); err != nil {
			return source.Found{}, err
		}
		client = d.Connection.Client()
	}
	var from sources
	if d.Release != "" {
		from.files = d.Connection.storedFiles(ctx, d.Release, namespace)
	}
	found, err := d.find(ctx, client, plan.Release{Name: d.Release, Namespace: namespace}, from)
	if err == nil && len(found.Documents) == 0 {
		err = UsageError{noTasks(found.Searched)}
	}
	return found, err
}

// namesConfigMap reports whether one of the references names a ConfigMap.
func namesConfigMap(references []string) bool {
	return slices.ContainsFunc(references, func(r string) bool {
		kind, _, ok := strings.Cut(r, "/")
		return ok && (kind == "configmap" || kind == "configmaps" || kind == "cm")
	})
}

// runsOf returns the tasks that run together: those of each of the files, and all others. A directory is one run, as a
// release is.
func runsOf(tasks []task.Task, files []string) [][]task.Task {
	of := map[string][]task.Task{}
	for _, t := range tasks {
		run := ""
		for _, f := range files {
			if filepath.Dir(t.Source.Name) == filepath.Clean(f) && run == "" || t.Source.Name == f {
				run = f
			}
		}
		of[run] = append(of[run], t)
	}
	all := make([][]task.Task, 0, len(of))
	for _, run := range slices.Sorted(maps.Keys(of)) {
		all = append(all, of[run])
	}
	return all
}
