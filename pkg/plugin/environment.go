package plugin

import (
	"os"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/host"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// newEnvironment returns the environment of this process with the facts of the run.
func newEnvironment(op task.Operation, release plan.Release) host.Environment {
	return host.NewEnvironment(os.Environ(), op, release.Name, release.Namespace)
}

// addKubeconfig adds a kubeconfig for the context of the run. The file is removed when the program ends.
func (a *App) addKubeconfig(env *host.Environment, client *kube.Client, namespace string) error {
	path, context, remove, err := client.WriteKubeconfig(namespace)
	if err != nil {
		return err
	}
	a.onExit(remove)
	env.UseKubeconfig(path, context, namespace)
	return nil
}
