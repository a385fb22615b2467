package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
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
	oncePerVersion  bool
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
	fs.BoolVar(&k.oncePerVersion, "once-per-version", false, "run tasks of Keptn once for each version of their app or workload, as Keptn does; --force-tasks runs them all the same")
	fs.BoolVar(&k.skipEvaluations, "skip-evaluations", false, "leave out evaluations of Keptn")
}

func (k *keptnFlags) validate() error {
	if !slices.Contains([]string{"", keptnIgnore, keptnForce}, k.mode) {
		return usageError{fmt.Errorf("--keptn is %q; it is ignore or force", k.mode)}
	}
	return nil
}

func parseKeptn(d source.Document, o parseOptions) ([]task.Task, task.Diagnostics) {
	return keptn.Parse(d.Text, keptn.Options{
		Source: d.Source, Namespace: o.facts.Namespace, Release: o.facts.Release, Images: o.images, Looking: o.lenient, Others: o.keptn, Namespaces: o.keptnNamespaces,
	})
}

// metricsGroup is the API group of Keptn's metrics.
const metricsGroup = "metrics.keptn.sh"

// keptnGroups are the API groups of Keptn's objects.
var keptnGroups = []string{"lifecycle.keptn.sh", metricsGroup, "options.keptn.sh"}

// holdKeptn keeps objects of Keptn in a chart from Helm where the cluster does not know them, and finds
// out whether Keptn itself is active there. It reports whether the chart has anything of Keptn.
func (a *App) holdKeptn(ctx context.Context, flags *keptnFlags, client *kube.Client, change release.Change, namespace string) (bool, error) {
	op := change.Facts().Operation
	if op != task.Install && op != task.Upgrade || flags.mode == keptnIgnore || !mentionsKeptn(change) {
		return false, nil
	}
	known, err := client.Serves(keptnGroups[0])
	if err != nil {
		return false, preflight(ctx, err)
	}
	change.Exclude(func(apiVersion, kind string) bool {
		group, _, _ := strings.Cut(apiVersion, "/")
		return slices.Contains(keptnGroups, group) && (!known || !client.ServesKind(apiVersion, kind))
	})
	if !known {
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
	if change.TemplatesContain(mark) {
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
func (a *App) wireKeptn(ctx context.Context, flags *keptnFlags, set *taskSet, client *kube.Client, change release.Change, next func() ([]*unstructured.Unstructured, error), o parseOptions) error {
	objects, err := next()
	if err != nil {
		return usageError{err}
	}
	known, err := client.Serves(metricsGroup)
	lifecycle := false
	if err == nil {
		lifecycle, err = client.Serves(keptnGroups[0])
	}
	if err != nil {
		return preflight(ctx, err)
	}
	from := task.Source{Name: "the chart's workloads", Format: "keptn"}
	var documents []keptn.Document
	for _, d := range set.documents {
		if d.Format == "keptn" {
			documents = append(documents, keptn.Document{Source: d.Source, Text: d.Text})
		}
	}
	var names []string
	for _, text := range change.Excluded() {
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
	if lifecycle {
		inCluster, err := clusterKeptn(ctx, client, o.facts.Namespace)
		if err != nil {
			return preflight(ctx, err)
		}
		documents = append(documents, inCluster...)
		o.keptnNamespaces = []string{o.facts.Namespace, keptnNamespace}
	}
	tasks, found := keptn.Wire(plain, keptn.Wiring{
		Options:         keptn.Options{Source: from, Namespace: o.facts.Namespace, Release: o.facts.Release, Images: o.images, Namespaces: o.keptnNamespaces},
		MetricsOperator: known, TraceParent: traceParent(),
		Documents: documents, Promotion: flags.promotion, NonBlocking: flags.nonBlocking, SkipEvaluations: flags.skipEvaluations,
		OncePerVersion: flags.oncePerVersion,
	})
	set.diagnostics = append(set.diagnostics, found...)
	if len(tasks) > 0 {
		set.documents = append(set.documents, source.Document{Source: from})
		set.tasks = append(set.tasks, tasks...)
	}
	return found.Err()
}

// keptnNamespace is where Keptn itself runs; definitions are also looked for there.
const keptnNamespace = "keptn-system"

// clusterKeptn returns the definitions that the cluster has, those of the namespace first.
func clusterKeptn(ctx context.Context, client *kube.Client, namespace string) ([]keptn.Document, error) {
	var documents []keptn.Document
	for _, ns := range []string{namespace, keptnNamespace} {
		for _, kind := range []string{"KeptnTaskDefinition", "KeptnEvaluationDefinition", "KeptnApp", "KeptnAppContext"} {
			objects, err := client.ListKind(ctx, keptnGroups[0], kind, ns)
			if err != nil {
				return nil, err
			}
			for _, o := range objects {
				unstructured.RemoveNestedField(o.Object, "metadata", "managedFields")
				text, err := yaml.Marshal(o.Object)
				if err != nil {
					return nil, err
				}
				name := fmt.Sprintf("%s/%s in namespace %s", strings.ToLower(kind), o.GetName(), ns)
				documents = append(documents, keptn.Document{Source: task.Source{Name: name, Format: "keptn"}, Text: text, Spare: true})
			}
		}
	}
	return documents, nil
}

// addClusterKeptn adds the definitions that the cluster has, when there are tasks of Keptn to run.
func (a *App) addClusterKeptn(ctx context.Context, client *kube.Client, documents []source.Document, o *parseOptions) error {
	if !slices.ContainsFunc(documents, func(d source.Document) bool { return d.Format == "keptn" }) {
		return nil
	}
	known, err := client.Serves(keptnGroups[0])
	if err == nil && known {
		o.keptn, err = clusterKeptn(ctx, client, o.facts.Namespace)
		o.keptnNamespaces = []string{o.facts.Namespace, keptnNamespace}
	}
	if err != nil {
		return preflight(ctx, err)
	}
	return nil
}

// validTrace is the form of a W3C trace context.
var validTrace = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// traceParent returns the trace that the run is part of, as its caller tells in $TRACEPARENT; "" when it is
// part of none.
func traceParent() string {
	if trace := os.Getenv("TRACEPARENT"); validTrace.MatchString(trace) {
		return trace
	}
	return ""
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
