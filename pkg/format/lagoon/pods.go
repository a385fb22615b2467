package lagoon

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// about is what a task of the API or a resource knows of itself.
type about struct {
	// id is Lagoon's number of the task, name what its pod is called.
	id, name string
	// project and environment are names; their ids are numbers, as text. Each may be empty.
	project, environment, projectID, environmentID string
	// projectVariables and environmentVariables are JSON.
	projectVariables, environmentVariables string
	organizationID, organizationName       string
}

// apiVariables are where Lagoon's services are, with their old names, in Lagoon's order.
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

// proxyVariables are set when Lagoon's controller is told to.
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

// api sets where Lagoon's services are, as far as the command line tells.
func (v *variables) api(given map[string]string) {
	for _, a := range apiVariables {
		value, ok := given[a.name]
		if !ok {
			value = given[a.of]
		}
		v.setIf(a.name, value)
	}
}

// standardEnv is what is added to the environment of a service's container, in Lagoon's order (spec
// lagoon.md § 2a).
func standardEnv(a about, given map[string]string) []corev1.EnvVar {
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
func (v *variables) apiLists(a about) {
	for _, list := range []struct{ name, text string }{
		{"LAGOON_PROJECT_VARIABLES", a.projectVariables}, {"LAGOON_ENVIRONMENT_VARIABLES", a.environmentVariables},
	} {
		if len(list.text) > len("[]") {
			v.set(list.name, list.text)
		}
	}
}

// advancedEnv is the environment of an advanced task beside $JSON_PAYLOAD, $NAMESPACE and $PODNAME, in
// Lagoon's order (spec lagoon.md § 2b).
func advancedEnv(a about, given map[string]string) []corev1.EnvVar {
	var v variables
	v.setIf("LAGOON_PROJECT", a.project)
	v.setIf("LAGOON_GIT_BRANCH", a.environment)
	v.api(given)
	v.setIf("TASK_DATA_ID", a.id)
	v.apiLists(a)
	return v
}

// podLabels are those that Lagoon gives the pods of tasks. The one of its controller is left out: a
// controller that is there would take the pod for its own.
func podLabels(a about) map[string]string {
	labels := map[string]string{"lagoon.sh/jobType": "task", "lagoon.sh/taskName": a.name, "crd.lagoon.sh/version": "v1beta2"}
	if a.organizationID != "" {
		labels["organization.lagoon.sh/id"] = a.organizationID
		labels["organization.lagoon.sh/name"] = a.organizationName
	}
	return labels
}

// Payload returns JSON as $JSON_PAYLOAD: in base64. What is base64 of JSON already stays; empty is
// the empty object. It returns false when it is neither.
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

// Standard returns a task that runs a command in a copy of the pod of a service.
func (o Options) standard(a about, service, command string) task.Standard {
	return task.Standard{
		Command: task.Command{Argv: []string{"/bin/sh", "-c", command}, Text: command},
		Service: service, Label: o.ServiceLabel, Compat: o.Compat, Env: standardEnv(a, o.Facts.Given), Labels: podLabels(a),
	}
}

// OneOff returns a standard task for a command line of a shell.
func OneOff(service, container, command string, opts Options) task.Task {
	p := parser{opts: opts}
	e := opts.standard(about{name: "lagoon-task"}, service, command)
	e.Container = container
	return task.Task{Name: "lagoon-task", Executor: e, Policy: task.Policy{Timeout: p.timeout()}, Source: opts.Source}
}
