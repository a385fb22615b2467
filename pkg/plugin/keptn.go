package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	runner "github.com/kubectl-tasks/kubectl-tasks/pkg/runner/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// keptnFlags are about tasks of Keptn.
type keptnFlags struct {
	mode            string
	promotion       bool
	nonBlocking     bool
	skipEvaluations bool
}

// The modes of --keptn, beside none.
const (
	keptnIgnore = "ignore"
	keptnForce  = "force"
)

func (k *keptnFlags) addRun(fs *pflag.FlagSet) {
	fs.StringVar(&k.mode, "keptn", "", "what to do where Keptn itself is active: 'ignore' leaves its tasks to it, 'force' runs them here too (default refuse)")
	fs.BoolVar(&k.promotion, "promotion", false, "run the promotion tasks of a KeptnAppContext, too")
	fs.BoolVar(&k.nonBlocking, "keptn-non-blocking", false, "go on after tasks of Keptn that failed, with a warning")
	fs.BoolVar(&k.skipEvaluations, "skip-evaluations", false, "leave out evaluations of Keptn, which are not done here")
}

func (k *keptnFlags) validate() error {
	if !slices.Contains([]string{"", keptnIgnore, keptnForce}, k.mode) {
		return usageError{fmt.Errorf("--keptn is %q; it is ignore or force", k.mode)}
	}
	return nil
}

func parseKeptn(d source.Document, o parseOptions) ([]task.Task, task.Diagnostics) {
	return keptn.Parse(d.Text, keptn.Options{
		Source: d.Source, Namespace: o.facts.Namespace, Release: o.facts.Release, Images: o.images, Looking: o.lenient, Others: o.keptn,
	})
}

// keptnGroups are the API groups of Keptn's objects.
var keptnGroups = []string{"lifecycle.keptn.sh", "metrics.keptn.sh", "options.keptn.sh"}

// holdKeptn keeps objects of Keptn in a chart from Helm where the cluster does not know them, and finds
// out whether Keptn itself is active there. It reports whether the chart has anything of Keptn.
func (a *App) holdKeptn(ctx context.Context, flags *keptnFlags, client *kube.Client, change release.Change, namespace string) (bool, error) {
	op := change.Operation()
	if op != task.Install && op != task.Upgrade || flags.mode == keptnIgnore || !mentionsKeptn(change) {
		return false, nil
	}
	known, err := client.Serves(keptnGroups[0])
	if err != nil {
		return false, preflight(ctx, err)
	}
	if !known {
		change.Hold(keptnGroups...)
		return true, nil
	}
	api, err := client.Interface()
	if err != nil {
		return false, preflight(ctx, err)
	}
	ns, err := api.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, preflight(ctx, err)
	case ns.Annotations["keptn.sh/lifecycle-toolkit"] == "enabled" && flags.mode != keptnForce:
		return false, &release.PreflightError{Err: fmt.Errorf("keptn is active in namespace %q and will run these tasks itself: --keptn=ignore leaves them to it, --keptn=force runs them here too", namespace)}
	}
	return true, nil
}

// mentionsKeptn reports whether the chart's templates or values speak of Keptn.
func mentionsKeptn(change release.Change) bool {
	const mark = "keptn.sh/"
	if change.Templates(mark) {
		return true
	}
	values, err := change.Values()
	if err != nil {
		return false // said when the chart is rendered
	}
	text, err := yaml.Marshal(values)
	return err == nil && bytes.Contains(text, []byte(mark))
}

// wireKeptn adds the tasks that the chart's workloads ask for.
func (a *App) wireKeptn(flags *keptnFlags, set *taskSet, change release.Change, next func() ([]*unstructured.Unstructured, error), o parseOptions) error {
	objects, err := next()
	if err != nil {
		return usageError{err}
	}
	from := task.Source{Name: "the chart's workloads", Format: "keptn"}
	var documents []keptn.Document
	for _, d := range set.documents {
		if d.Format == "keptn" {
			documents = append(documents, keptn.Document{Source: d.Source, Text: d.Text})
		}
	}
	var names []string
	for _, text := range change.Held() {
		var o unstructured.Unstructured
		if yaml.Unmarshal(text, &o.Object) == nil {
			names = append(names, o.GetKind()+" "+o.GetName())
		}
		documents = append(documents, keptn.Document{Source: task.Source{Name: "chart (rendered)", Format: "keptn"}, Text: text})
	}
	if len(names) > 0 {
		a.tell(fmt.Sprintf("found in the chart, but the CRD is not installed: held by kubectl-tasks, not applied: %s", strings.Join(names, ", ")))
	}
	plain := make([]map[string]any, 0, len(objects))
	for _, o := range objects {
		if group, _, _ := strings.Cut(o.GetAPIVersion(), "/"); slices.Contains(keptnGroups, group) {
			text, err := yaml.Marshal(o.Object)
			if err != nil {
				return err
			}
			documents = append(documents, keptn.Document{Source: task.Source{Name: "chart (rendered)", Format: "keptn"}, Text: text})
			continue
		}
		plain = append(plain, o.Object)
	}
	tasks, found := keptn.Wire(plain, keptn.Wiring{
		Options:   keptn.Options{Source: from, Namespace: o.facts.Namespace, Release: o.facts.Release, Images: o.images},
		Documents: documents, Promotion: flags.promotion, NonBlocking: flags.nonBlocking, SkipEvaluations: flags.skipEvaluations,
	})
	set.diagnostics = append(set.diagnostics, found...)
	if len(tasks) > 0 {
		set.documents = append(set.documents, source.Document{Source: from})
		set.tasks = append(set.tasks, tasks...)
	}
	return found.Err()
}

// checkKeptn refuses tasks of Keptn whose Secrets and ConfigMaps neither the namespace has nor Helm is
// going to apply.
func checkKeptn(ctx context.Context, client *kube.Client, namespace string, tasks []task.Task, next func() ([]*unstructured.Unstructured, error)) error {
	var problems []error
	for _, t := range tasks {
		k, ok := t.Executor.(task.Keptn)
		if !ok || t.Skip != "" {
			continue
		}
		api, err := client.Interface()
		if err != nil {
			return preflight(ctx, err)
		}
		var coming []*unstructured.Unstructured
		if next != nil {
			if coming, err = next(); err != nil {
				return usageError{err}
			}
		}
		problems = append(problems, runner.Check(ctx, api, namespace, k, coming))
	}
	if err := errors.Join(problems...); err != nil {
		return &release.PreflightError{Err: err}
	}
	return nil
}
