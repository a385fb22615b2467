package plugin

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	keptnsource "github.com/kubectl-tasks/kubectl-tasks/pkg/source/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// keptnFlags are the flags about tasks of Keptn.
type keptnFlags struct {
	mode            string
	promotion       bool
	nonBlocking     bool
	skipEvaluations bool
	oncePerVersion  bool
}

func (k *keptnFlags) addRun(fs *pflag.FlagSet) {
	fs.StringVar(&k.mode, "keptn", "", "what to do where Keptn itself is active: 'ignore' leaves its tasks to it, 'force' runs them here too (default refuse)")
	fs.BoolVar(&k.promotion, "promotion", false, "run the promotion tasks of a KeptnAppContext, too")
	fs.BoolVar(&k.nonBlocking, "keptn-non-blocking", false, "go on after tasks of Keptn that failed, with a warning")
	fs.BoolVar(&k.oncePerVersion, "once-per-version", false, "run tasks of Keptn once for each version of their app or workload, as Keptn does; --force-tasks runs them all the same")
	fs.BoolVar(&k.skipEvaluations, "skip-evaluations", false, "leave out evaluations of Keptn")
}

func (k *keptnFlags) validate() error {
	if !slices.Contains([]keptnsource.Mode{"", keptnsource.Ignore, keptnsource.Force}, keptnsource.Mode(k.mode)) {
		return usageError{fmt.Errorf("--keptn is %q; it is ignore or force", k.mode)}
	}
	return nil
}

// holdKeptn excludes objects of Keptn from a chart that the cluster does not know. It reports whether the
// chart's workloads can ask for tasks.
func holdKeptn(ctx context.Context, flags *keptnFlags, client *kube.Client, change release.Change, namespace string) (bool, error) {
	wires, err := keptnsource.Cluster{Client: client, Namespace: namespace}.Prepare(ctx, change, change.Facts().Operation, keptnsource.Mode(flags.mode))
	if err != nil {
		return false, preflight(ctx, err)
	}
	return wires, nil
}

// wireKeptn adds the tasks that the chart's workloads ask for.
func (a *App) wireKeptn(ctx context.Context, flags *keptnFlags, set *taskSet, client *kube.Client, change release.Change, next func() ([]*unstructured.Unstructured, error), o format.Options) error {
	objects, err := next()
	if err != nil {
		return usageError{err}
	}
	wired, notes, err := keptnsource.Cluster{Client: client, Namespace: o.Facts.Namespace}.Wire(ctx, change, objects, set.documents, keptn.Wiring{
		Options:   keptn.Options{Namespace: o.Facts.Namespace, Release: o.Facts.Release, Images: o.Images},
		Promotion: flags.promotion, NonBlocking: flags.nonBlocking, SkipEvaluations: flags.skipEvaluations, OncePerVersion: flags.oncePerVersion,
		TraceParent: keptnsource.TraceParent(os.Getenv),
	})
	for _, note := range notes {
		a.tell(note)
	}
	if err != nil {
		return preflight(ctx, err)
	}
	set.diagnostics = append(set.diagnostics, wired.Diagnostics...)
	set.documents = append(set.documents, wired.Documents...)
	set.tasks = append(set.tasks, wired.Tasks...)
	return wired.Diagnostics.Err()
}

// checkKeptn returns an error when tasks of Keptn refer to Secrets or ConfigMaps that neither the namespace nor the
// rendered chart has.
func checkKeptn(ctx context.Context, client *kube.Client, namespace string, tasks []task.Task, next func() ([]*unstructured.Unstructured, error)) error {
	var rendered func() ([]*unstructured.Unstructured, error)
	if next != nil {
		rendered = func() ([]*unstructured.Unstructured, error) {
			objects, err := next()
			if err != nil {
				err = usageError{err}
			}
			return objects, err
		}
	}
	if err := checks.Keptn(ctx, client, namespace, tasks, rendered); err != nil {
		return preflight(ctx, err)
	}
	return nil
}
