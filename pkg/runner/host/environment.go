package host

import (
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Environment is the environment of programs, as NAME=VALUE.
type Environment []string

// NewEnvironment returns a copy of an environment with the facts of a run in TASKS_*.
func NewEnvironment(environ []string, op task.Operation, release, namespace string) Environment {
	env := Environment(slices.Clone(environ))
	env.Set("TASKS_OPERATION", string(op))
	env.Set("TASKS_RELEASE", release)
	env.Set("TASKS_NAMESPACE", namespace)
	env.Set("TASKS_CONTEXT", "")
	return env
}

// UseKubeconfig adds a kubeconfig file with exactly the context and namespace of the run. kubectl and helm
// then act on the cluster and the namespace of the release, whatever the user's own environment says.
func (e *Environment) UseKubeconfig(path, context, namespace string) {
	// Each of these would override the kubeconfig in helm.
	e.Unset(
		"HELM_KUBETOKEN", "HELM_KUBEASUSER", "HELM_KUBEASGROUPS", "HELM_KUBEAPISERVER",
		"HELM_KUBECAFILE", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "HELM_KUBETLS_SERVER_NAME",
	)
	e.Set("KUBECONFIG", path)
	e.Set("TASKS_CONTEXT", context)
	e.Set("HELM_KUBECONTEXT", context)
	e.Set("HELM_NAMESPACE", namespace)
}

// Lookup returns a variable, as os.LookupEnv does.
func (e Environment) Lookup(name string) (string, bool) {
	for _, entry := range e {
		if n, value, _ := strings.Cut(entry, "="); n == name {
			return value, true
		}
	}
	return "", false
}

// Set sets a variable.
func (e *Environment) Set(name, value string) {
	e.Unset(name)
	*e = append(*e, name+"="+value)
}

// Unset removes variables.
func (e *Environment) Unset(names ...string) {
	*e = slices.DeleteFunc(*e, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(names, name)
	})
}
