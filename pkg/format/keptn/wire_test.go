package keptn

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// release has two workloads of one app, and a third one without an app.
const release = `kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      labels: {app.kubernetes.io/part-of: shop}
      annotations: {keptn.sh/workload: web, keptn.sh/version: V1, keptn.sh/pre-deployment-tasks: "a,b", keptn.sh/post-deployment-tasks: a, keptn.sh/metadata: "x=1,bad,y=2"}
---
kind: StatefulSet
metadata: {name: db, annotations: {keptn.sh/app: shop, keptn.sh/workload: db, keptn.sh/version: "2", keptn.sh/post-deployment-evaluations: e}}
spec: {template: {metadata: {labels: {other: x}}}}
---
kind: DaemonSet
metadata: {name: alone}
spec: {template: {metadata: {labels: {app.kubernetes.io/name: alone, app.kubernetes.io/version: "3"}, annotations: {keptn.sh/pre-deployment-tasks: a}}}}
---
kind: Deployment
metadata: {name: not-ours}
spec: {template: {metadata: {annotations: {keptn.sh/pre-deployment-tasks: a}}}}
---
kind: Job
metadata: {name: no-workload, annotations: {keptn.sh/workload: x, keptn.sh/pre-deployment-tasks: a}}
`

const documents = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnAppContext
metadata: {name: shop}
spec: {preDeploymentTasks: [a], postDeploymentTasks: [b], preDeploymentEvaluations: [e], promotionTasks: [a], metadata: {x: app, z: app}}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: a}
spec: {container: {name: c, image: i}}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: b}
spec: {container: {name: c, image: i}}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnEvaluationDefinition
metadata: {name: e}
spec: {objectives: [{keptnMetricRef: {name: m}, evaluationTarget: "<5"}]}
---
apiVersion: metrics.keptn.sh/v1
kind: KeptnMetric
metadata: {name: m}
spec: {provider: {name: prometheus}, query: up}
---
apiVersion: metrics.keptn.sh/v1
kind: KeptnMetricsProvider
metadata: {name: prometheus}
spec: {targetServer: "http://p"}
`

func objectsOf(t *testing.T, text string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for part := range strings.SplitSeq(text, "---\n") {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(part), &o); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// contextOf returns the KEPTN_CONTEXT of a task.
func contextOf(k task.Keptn) string {
	for _, e := range k.Job.Spec.Template.Spec.Containers[0].Env {
		if e.Name == contextVariable {
			return e.Value
		}
	}
	return ""
}

func TestWire(t *testing.T) {
	tasks, found := Wire(objectsOf(t, release), Wiring{
		Options: Options{Source: task.Source{Name: "s"}}, Promotion: true, OncePerVersion: true,
		Documents: []Document{{Source: task.Source{Name: "f"}, Text: []byte(documents)}},
	})
	if len(found) > 0 {
		t.Fatal(found)
	}
	var got strings.Builder
	for _, one := range tasks {
		fmt.Fprintf(&got, "%s %s", one.Phase, one.Name)
		if len(one.Needs) > 0 {
			fmt.Fprintf(&got, " after %s", strings.Join(one.Needs, ", "))
		}
		if one.Once != "" {
			fmt.Fprintf(&got, " once for %s", one.Once)
		}
		if k, ok := one.Executor.(task.Keptn); ok {
			fmt.Fprintf(&got, "\n  %s", contextOf(k))
		}
		got.WriteString("\n")
	}
	want := `pre-deploy pre/alone-alone/a once for version 3 revision 1
  {"workloadName":"alone-alone","appName":"alone","appVersion":"","workloadVersion":"3","taskType":"pre","objectType":"Workload"}
pre-deploy pre/shop/a once for version 3bc501f5f2 revision 1
  {"workloadName":"","appName":"shop","appVersion":"3bc501f5f2","workloadVersion":"","taskType":"pre","objectType":"App","metadata":{"x":"app","z":"app"}}
pre-deploy pre-evaluation/shop/e after pre/shop/a
pre-deploy pre/shop-web/a after pre-evaluation/shop/e once for version v1 revision 1
  {"workloadName":"shop-web","appName":"shop","appVersion":"","workloadVersion":"v1","taskType":"pre","objectType":"Workload","metadata":{"x":"1","y":"2","z":"app"}}
pre-deploy pre/shop-web/b after pre-evaluation/shop/e once for version v1 revision 1
  {"workloadName":"shop-web","appName":"shop","appVersion":"","workloadVersion":"v1","taskType":"pre","objectType":"Workload","metadata":{"x":"1","y":"2","z":"app"}}
post-deploy post/shop-web/a once for version v1 revision 1
  {"workloadName":"shop-web","appName":"shop","appVersion":"","workloadVersion":"v1","taskType":"post","objectType":"Workload","metadata":{"x":"1","y":"2","z":"app"}}
post-deploy post-evaluation/shop-db/e
post-deploy post/shop/b after post/shop-web/a, post-evaluation/shop-db/e once for version 3bc501f5f2 revision 1
  {"workloadName":"","appName":"shop","appVersion":"3bc501f5f2","workloadVersion":"","taskType":"post","objectType":"App","metadata":{"x":"app","z":"app"}}
post-deploy promotion/shop/a after post/shop/b once for version 3bc501f5f2 revision 1
  {"workloadName":"","appName":"shop","appVersion":"3bc501f5f2","workloadVersion":"","taskType":"promotion","objectType":"App","metadata":{"x":"app","z":"app"}}
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestVersion checks the calculation of versions (spec keptn.md § 3.3).
func TestVersion(t *testing.T) {
	tests := []struct{ annotations, containers, want string }{
		{"keptn.sh/version: V1", "[{name: a, image: i}]", "v1"},
		{"keptn.sh/container: a", "[{name: a, image: 'i:T2'}]", "t2"},
		{"keptn.sh/container: a", "[{name: a, image: 'reg:5000/img'}]", "5000/img"},
		{"keptn.sh/container: a", "[{name: a, image: 'i:latest'}]", "465472028"},
		{"x: y", "[{name: a, image: 'i:1', env: [{name: B, value: c}]}]", "3442684769"},
	}
	for _, tt := range tests {
		text := fmt.Sprintf("kind: Deployment\nmetadata: {name: w}\nspec: {template: {metadata: {annotations: {keptn.sh/workload: w, %s}}, spec: {containers: %s}}}\n", tt.annotations, tt.containers)
		var w workload
		if err := yaml.Unmarshal([]byte(text), &w); err != nil {
			t.Fatal(err)
		}
		if got, _ := w.wire(); got.version != tt.want {
			t.Errorf("%s %s: version %s, want %s", tt.annotations, tt.containers, got.version, tt.want)
		}
	}
}

func TestWireFindings(t *testing.T) {
	const workload = "kind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {annotations: {keptn.sh/workload: web, keptn.sh/version: '1', %s}}}}\n"
	tests := []struct{ annotations, documents, want string }{
		{"keptn.sh/pre-deployment-tasks: none", documents, `error deployment/web: task definition "none" not found in the documents (Keptn would wait forever)`},
		{"keptn.sh/pre-deployment-tasks: 'a, b'", documents, `warning deployment/web: " b" in a list of tasks: Keptn would look for a definition of that name, with the spaces`},
		{"keptn.sh/pre-deployment-evaluations: none", documents, `error deployment/web: evaluation definition "none" not found in the documents (Keptn would wait forever) | hint: add --skip-evaluations`},
		{"keptn.sh/pre-deployment-evaluations: e", strings.Replace(documents, "'<5'", "=5", 1), ""},
		{"keptn.sh/pre-deployment-evaluations: e", strings.Replace(documents, `"<5"`, `"< 5"`, 1), `error f:19:20: evaluation "e": the target "< 5" must be < or > and a number, without a space between them | hint: add --skip-evaluations`},
		{"keptn.sh/pre-deployment-evaluations: e", strings.Replace(documents, "kind: KeptnMetric\n", "kind: Other\n", 1), `error f:19:20: evaluation "e": metric "m" needs the Keptn metrics-operator; not evaluated | hint: add --skip-evaluations`},
		{"keptn.sh/pre-deployment-evaluations: e", strings.Replace(documents, "query: up", "query: up, range: {interval: 5m}", 1), `error f:19:20: evaluation "e": metric "m" has a range, which only the Keptn metrics-operator computes; not evaluated | hint: add --skip-evaluations`},
		{"keptn.sh/pre-deployment-evaluations: e", strings.Replace(documents, "{targetServer", "{type: datadog, targetServer", 1), `error f:19:20: evaluation "e": metric "m" is of a provider of type datadog, which needs the Keptn metrics-operator; not evaluated | hint: add --skip-evaluations`},
	}
	for _, tt := range tests {
		_, found := Wire(objectsOf(t, fmt.Sprintf(workload, tt.annotations)), Wiring{Documents: []Document{{Source: task.Source{Name: "f"}, Text: []byte(tt.documents)}}})
		if got := say(found); got != tt.want {
			t.Errorf("%s:\n%s, want\n%s", tt.annotations, got, tt.want)
		}
	}
}
