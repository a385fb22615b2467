package cluster

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
)

// Cluster has the methods of the connection and of the packages next to it.
type Cluster struct {
	*kube.Client
	exec.Executor
	ready.Waiter
	workload.Finder
}

// Of returns the cluster to which the client connects. It sends no request.
func Of(client *kube.Client) Cluster {
	return Cluster{Client: client, Executor: exec.Executor{Client: client}, Waiter: ready.Waiter{Client: client}, Finder: workload.Finder{Client: client}}
}
