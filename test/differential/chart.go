package differential

import (
	"fmt"
	"strings"
)

// Chart is one version of the chart of a sequence.
type Chart struct {
	Version string
	// Greeting is a default value, which another version may change.
	Greeting string
	Objects  []Object
	Hooks    []Hook
	// Sub reports that the chart has a dependency, with an object and values of its own.
	Sub bool
	// Broken is a way in which the chart cannot be applied; empty when it can.
	Broken Broken
}

// Broken is a way in which a chart cannot be applied.
type Broken string

// The ways, in the order in which Helm notices them: a template fails; an object is not of its kind; the API server
// refuses one object after others were applied.
const (
	BrokenTemplate Broken = "template"
	BrokenSchema   Broken = "schema"
	BrokenObject   Broken = "object"
)

// Object is an object of the release.
type Object struct {
	Kind, Name string
	// Keep is Helm's resource policy.
	Keep bool
}

// Hook is one of the chart's hooks.
type Hook struct {
	Kind, Name string
	Events     []string
	Weight     int
	Policies   []string
	// Fails reports that it does: the program of a Job or Pod, or the API server refuses the object.
	Fails bool
	// Sub reports that it is the dependency's.
	Sub bool
}

// RunsToEnd reports whether the hook is waited for.
func (h Hook) RunsToEnd() bool { return h.Kind == kindJob || h.Kind == kindPod }

const (
	kindConfigMap  = "ConfigMap"
	kindSecret     = "Secret"
	kindAccount    = "ServiceAccount"
	kindService    = "Service"
	kindRole       = "Role"
	kindDeployment = "Deployment"
	kindJob        = "Job"
	kindPod        = "Pod"
)

// SeenName is the object of each chart that holds the values as its templates see them, in one line of JSON.
const SeenName = "seen"

// Young is the value of "age" that older revisions of a history have another text for.
const Young = "young"

const values = `greeting: %s
age: young
count: 3
big: 20000000000
rate: 0.25
enabled: true
nested: {a: one, b: {c: deep, d: [1, 2]}}
list: [one, two]
sub: {enabled: true}
`

// Files returns the files of the chart, by their path below its root.
func (c Chart) Files() map[string]string {
	files := map[string]string{
		"Chart.yaml":          fmt.Sprintf("apiVersion: v2\nname: app\nversion: %s\n", c.Version),
		"values.yaml":         fmt.Sprintf(values, c.Greeting),
		"templates/seen.yaml": object(kindConfigMap, SeenName, nil, "{revision: {{ .Release.Revision | quote }}, values: {{ .Values | toJson | quote }}}"),
	}
	if c.Sub {
		files["Chart.yaml"] += "dependencies:\n- {name: sub, version: 0.1.0, condition: sub.enabled, import-values: [{child: exports, parent: imported}]}\n"
		files["charts/sub/Chart.yaml"] = "apiVersion: v2\nname: sub\nversion: 0.1.0\n"
		files["charts/sub/values.yaml"] = "greeting: sub\nexports: {port: 80}\n"
		files["charts/sub/templates/sub.yaml"] = object(kindConfigMap, "sub", nil, "{greeting: {{ .Values.greeting | quote }}}")
	}
	for _, o := range c.Objects {
		var annotations []string
		if o.Keep {
			annotations = append(annotations, "helm.sh/resource-policy: keep")
		}
		files["templates/"+o.Name+".yaml"] = object(o.Kind, o.Name, annotations, "")
	}
	for i, h := range c.Hooks {
		dir := "templates/"
		if h.Sub && c.Sub {
			dir = "charts/sub/templates/"
		}
		files[fmt.Sprintf("%shook-%d.yaml", dir, i)] = h.manifest()
	}
	switch c.Broken {
	case BrokenTemplate:
		files["templates/broken.yaml"] = "{{ fail \"broken\" }}\n"
	case BrokenSchema:
		files["templates/broken.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken}\ndata: {count: [1]}\n"
	case BrokenObject:
		// Of a kind that is applied late and that there is no other object of: those of one kind are made at once.
		files["templates/broken.yaml"] = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: broken, labels: {broken: \"not a label!\"}}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n"
	}
	return files
}

func (h Hook) manifest() string {
	annotations := []string{fmt.Sprintf("helm.sh/hook: %q", strings.Join(h.Events, ","))}
	if h.Weight != 0 {
		annotations = append(annotations, fmt.Sprintf("helm.sh/hook-weight: \"%d\"", h.Weight))
	}
	if len(h.Policies) > 0 {
		annotations = append(annotations, fmt.Sprintf("helm.sh/hook-delete-policy: %q", strings.Join(h.Policies, ",")))
	}
	return object(h.Kind, h.Name, annotations, h.data())
}

// data is what makes the object a failing one, or not.
func (h Hook) data() string {
	switch {
	case h.RunsToEnd() && h.Fails:
		return "exit 3"
	case h.RunsToEnd():
		return "true"
	case h.Fails:
		return fails
	}
	return ""
}

// fails has the API server refuse an object that Helm itself finds nothing wrong with.
const fails = "fails"

// object returns the manifest of an object. Its data depends on the kind; empty is a text of the values.
func object(kind, name string, annotations []string, data string) string {
	label := `{{ .Values.count | default "none" | toString | quote }}`
	if data == fails {
		label, data = `"not a label!"`, ""
	}
	annotations = append(annotations, "part: {{ .Values.greeting | toString | quote }}")
	meta := fmt.Sprintf("metadata:\n  name: %s\n  labels: {part: %s}\n  annotations: {%s}\n", name, label, strings.Join(annotations, ", "))
	if data == "" {
		data = `{greeting: {{ .Values.greeting | toString | quote }}, count: {{ .Values.count | toString | quote }}}`
	}
	pod := fmt.Sprintf("terminationGracePeriodSeconds: 0, restartPolicy: Never, containers: [{name: main, image: \"busybox:test\", command: [sh, -c, %q]}]", data)
	switch kind {
	case kindSecret:
		return "apiVersion: v1\nkind: Secret\n" + meta + "stringData: " + data + "\n"
	case kindAccount:
		return "apiVersion: v1\nkind: ServiceAccount\n" + meta + "automountServiceAccountToken: {{ .Values.enabled | default false }}\n"
	case kindService:
		return "apiVersion: v1\nkind: Service\n" + meta + "spec: {selector: {app: x}, ports: [{port: {{ add 80 (int .Values.count) }}}]}\n"
	case kindRole:
		return "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n" + meta + "rules: [{apiGroups: [\"\"], resources: [pods], resourceNames: [{{ .Values.greeting | toString | quote }}], verbs: [get]}]\n"
	case kindDeployment:
		return "apiVersion: apps/v1\nkind: Deployment\n" + meta +
			"spec: {replicas: 0, selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: main, image: \"busybox:test\", env: [{name: GREETING, value: {{ .Values.greeting | toString | quote }}}]}]}}}\n"
	case kindJob:
		return "apiVersion: batch/v1\nkind: Job\n" + meta + "spec: {backoffLimit: 0, template: {spec: {" + pod + "}}}\n"
	case kindPod:
		return "apiVersion: v1\nkind: Pod\n" + meta + "spec: {" + pod + "}\n"
	}
	return "apiVersion: v1\nkind: ConfigMap\n" + meta + "data: " + data + "\n"
}
