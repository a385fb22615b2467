package plugin

import (
	"os"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// environment is what a program of a host task sees.
type environment []string

// newEnvironment returns the environment of this process with the facts of the run in TASKS_*.
func newEnvironment(op task.Operation, release plan.Release) environment {
	env := environment(os.Environ())
	env.set("TASKS_OPERATION", string(op))
	env.set("TASKS_RELEASE", release.Name)
	env.set("TASKS_NAMESPACE", release.Namespace)
	env.set("TASKS_CONTEXT", "")
	return env
}

// addKubeconfig adds a kubeconfig for exactly the context of the run, so that kubectl and helm
// called by a task act on the release's cluster and namespace whatever the user's own
// environment says. The file is removed when the program ends.
func (a *App) addKubeconfig(env *environment, client *kube.Client, namespace string) error {
	path, context, remove, err := client.WriteKubeconfig(namespace)
	if err != nil {
		return err
	}
	a.onExit(remove)
	// Each of these would win over the kubeconfig in helm.
	env.unset(
		"HELM_KUBETOKEN", "HELM_KUBEASUSER", "HELM_KUBEASGROUPS", "HELM_KUBEAPISERVER",
		"HELM_KUBECAFILE", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "HELM_KUBETLS_SERVER_NAME",
	)
	env.set("KUBECONFIG", path)
	env.set("TASKS_CONTEXT", context)
	env.set("HELM_KUBECONTEXT", context)
	env.set("HELM_NAMESPACE", namespace)
	return nil
}

// lookup is os.LookupEnv for this environment.
func (e environment) lookup(name string) (string, bool) {
	for _, entry := range e {
		if n, value, _ := strings.Cut(entry, "="); n == name {
			return value, true
		}
	}
	return "", false
}

func (e *environment) set(name, value string) {
	e.unset(name)
	*e = append(*e, name+"="+value)
}

func (e *environment) unset(names ...string) {
	*e = slices.DeleteFunc(*e, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(names, name)
	})
}
