package lagoon

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// taskInfo is the metadata of a task of the API or of a resource.
type taskInfo struct {
	// id is Lagoon's number of the task, name the name of its pod.
	id, name string
	// project and environment are names. The IDs are numbers as text. Each may be empty.
	project, environment, projectID, environmentID string
	// projectVariables and environmentVariables are JSON.
	projectVariables, environmentVariables string
	organizationID, organizationName       string
}

// apiVariables are the variables with the addresses of Lagoon's services, including their old names, in Lagoon's order.
var apiVariables = []struct{ name, of string }{
	{"TASK_API_HOST", "LAGOON_CONFIG_API_HOST"},
	{"TASK_SSH_HOST", "LAGOON_CONFIG_TOKEN_HOST"},
	{"TASK_SSH_PORT", "LAGOON_CONFIG_TOKEN_PORT"},
	{"LAGOON_CONFIG_API_HOST", ""},
	{"LAGOON_CONFIG_TOKEN_HOST", ""},
	{"LAGOON_CONFIG_TOKEN_PORT", ""},
	{"LAGOON_CONFIG_SSH_HOST", ""},
	{"LAGOON_CONFIG_SSH_PORT", ""},
}

// proxyVariables are set when Lagoon's controller is configured for it.
var proxyVariables = []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"}

// variables collects the environment of a container.
type variables []corev1.EnvVar

func (v *variables) set(name, value string) {
	*v = append(*v, corev1.EnvVar{Name: name, Value: strings.ReplaceAll(value, "$(", "$$(")})
}

func (v *variables) setIf(name, value string) {
	if value != "" {
		v.set(name, value)
	}
}

// api sets the addresses of Lagoon's services that the user gave.
func (v *variables) api(given map[string]string) {
	for _, a := range apiVariables {
		value, ok := given[a.name]
		if !ok {
			value = given[a.of]
		}
		v.setIf(a.name, value)
	}
}

// standardEnv returns the variables that are added to those of a service's container, in Lagoon's order (spec
// lagoon.md § 2a).
func standardEnv(a taskInfo, given map[string]string) []corev1.EnvVar {
	var v variables
	v.api(given)
	v.setIf("TASK_DATA_ID", a.id)
	v.setIf("LAGOON_PROJECT_ID", a.projectID)
	v.setIf("LAGOON_ENVIRONMENT_ID", a.environmentID)
	for _, name := range proxyVariables {
		v.setIf(name, given[name])
	}
	v.apiLists(a)
	return v
}

// apiLists sets the variables of the API, as JSON lists.
func (v *variables) apiLists(a taskInfo) {
	for _, list := range []struct{ name, text string }{
		{"LAGOON_PROJECT_VARIABLES", a.projectVariables}, {"LAGOON_ENVIRONMENT_VARIABLES", a.environmentVariables},
	} {
		if len(list.text) > len("[]") {
			v.set(list.name, list.text)
		}
	}
}

// advancedEnv returns the environment of an advanced task without $JSON_PAYLOAD, $NAMESPACE and $PODNAME, in
// Lagoon's order (spec lagoon.md § 2b).
func advancedEnv(a taskInfo, given map[string]string) []corev1.EnvVar {
	var v variables
	v.setIf("LAGOON_PROJECT", a.project)
	v.setIf("LAGOON_GIT_BRANCH", a.environment)
	v.api(given)
	v.setIf("TASK_DATA_ID", a.id)
	v.apiLists(a)
	return v
}

// podLabels returns the labels that Lagoon sets on the pods of tasks, without the label of its controller: a
// controller in the cluster would adopt the pod.
func podLabels(a taskInfo) map[string]string {
	labels := map[string]string{"lagoon.sh/jobType": "task", "lagoon.sh/taskName": a.name, "crd.lagoon.sh/version": "v1beta2"}
	if a.organizationID != "" {
		labels["organization.lagoon.sh/id"] = a.organizationID
		labels["organization.lagoon.sh/name"] = a.organizationName
	}
	return labels
}

// Payload returns JSON in base64 for $JSON_PAYLOAD. Base64 of JSON is returned unchanged, and an empty text is the
// empty object. It returns false for any other text.
func Payload(text string) (string, bool) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		trimmed = "{}"
	}
	if json.Valid([]byte(trimmed)) {
		return base64.StdEncoding.EncodeToString([]byte(trimmed)), true
	}
	decoded, err := base64.StdEncoding.DecodeString(trimmed)
	return trimmed, err == nil && json.Valid(decoded)
}

// standard returns an executor that runs a command in a copy of a service's pod.
func (o Options) standard(a taskInfo, service, command string) task.Standard {
	return task.Standard{
		Command: task.Command{Argv: []string{"/bin/sh", "-c", command}, Text: command},
		Service: service, Label: o.ServiceLabel, Compat: o.Compat, Env: standardEnv(a, o.Facts.Variables), Labels: podLabels(a),
	}
}

// OneOff returns a standard task that runs a shell command.
func OneOff(service, container, command string, opts Options) task.Task {
	p := parser{opts: opts}
	e := opts.standard(taskInfo{name: "lagoon-task"}, service, command)
	e.Container = container
	return task.Task{Name: "lagoon-task", Executor: e, Policy: task.Policy{Timeout: p.timeout()}, Source: opts.Source}
}
