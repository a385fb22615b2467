package keptn

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The API groups of Keptn's objects.
const (
	lifecycleGroup = "lifecycle.keptn.sh"
	metricsGroup   = "metrics.keptn.sh"
	optionsGroup   = "options.keptn.sh"
)

// isKeptn reports whether an API version is of one of Keptn's groups.
func isKeptn(apiVersion string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return slices.Contains([]string{lifecycleGroup, metricsGroup, optionsGroup}, group)
}

// Mode is how a run treats Keptn's tasks where Keptn itself is active. The default is to refuse the run.
type Mode string

const (
	// Ignore leaves the tasks to Keptn.
	Ignore Mode = "ignore"
	// Force runs the tasks here, too.
	Force Mode = "force"
)

// Cluster is the namespace of a run.
type Cluster struct {
	Client    *kube.Client
	Namespace string
}

// Chart is a chart before it is applied; a release.Change is one.
type Chart interface {
	// TemplatesContain reports whether a text is in the templates.
	TemplatesContain(text string) bool
	// Values returns the values that the templates are rendered with.
	Values() (map[string]any, error)
	// Exclude leaves objects out of what is applied, by API version and kind.
	Exclude(excluded func(apiVersion, kind string) bool)
	// Excluded returns the YAML of the excluded objects.
	Excluded() [][]byte
}

// Prepare excludes those of Keptn's objects from a chart that the cluster cannot store. It reports whether
// the chart's workloads can ask for tasks (see Wire). The error says that Keptn is active in the namespace
// and mode allows no run, or is one of the cluster.
func (c Cluster) Prepare(ctx context.Context, chart Chart, op task.Operation, mode Mode) (bool, error) {
	if op != task.Install && op != task.Upgrade || mode == Ignore || !mentioned(chart) {
		return false, nil
	}
	installed, err := c.Client.HasGroup(lifecycleGroup)
	if err != nil {
		return false, err
	}
	chart.Exclude(func(apiVersion, kind string) bool {
		return isKeptn(apiVersion) && (!installed || !c.Client.HasKind(apiVersion, kind))
	})
	if !installed {
		return true, nil
	}
	active, err := c.active(ctx)
	if err != nil {
		return false, err
	}
	if active && mode != Force {
		return false, fmt.Errorf("keptn is active in namespace %q and will run these tasks itself: --keptn=ignore leaves them to it, --keptn=force runs them here too", c.Namespace)
	}
	return true, nil
}

// active reports whether Keptn is enabled for the namespace; false when the namespace may not be read.
func (c Cluster) active(ctx context.Context) (bool, error) {
	api, err := c.Client.Interface()
	if err != nil {
		return false, err
	}
	ns, err := api.CoreV1().Namespaces().Get(ctx, c.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	}
	return ns.Annotations["keptn.sh/lifecycle-toolkit"] == "enabled", nil
}

// mentioned reports whether Keptn's annotations, labels or groups are in the chart's templates or values.
func mentioned(chart Chart) bool {
	const mark = "keptn.sh/"
	if chart.TemplatesContain(mark) {
		return true
	}
	values, err := chart.Values()
	if err != nil {
		return false // reported when the chart is rendered
	}
	text, err := yaml.Marshal(values)
	return err == nil && bytes.Contains(text, []byte(mark))
}
