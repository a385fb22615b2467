package action

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/host"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// newEnvironment returns the environment of host tasks: that of the process, with the facts of the run.
func (c *Config) newEnvironment(op task.Operation, rel plan.Release) host.Environment {
	return host.NewEnvironment(c.Environ, op, rel.Name, rel.Namespace)
}

// addKubeconfig adds a kubeconfig for the context of the run. The file is removed when the process ends.
func (c *Config) addKubeconfig(env *host.Environment, client *kube.Client, namespace string) error {
	path, context, remove, err := client.WriteKubeconfig(namespace)
	if err != nil {
		return err
	}
	c.OnExit(remove)
	env.UseKubeconfig(path, context, namespace)
	return nil
}
