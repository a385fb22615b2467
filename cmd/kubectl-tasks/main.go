// Command kubectl-tasks runs tasks around Helm releases; as a plugin it is kubectl tasks and helm tasks.
package main

import (
	"os"

	_ "k8s.io/client-go/plugin/pkg/client/auth" // the credential plugins that kubeconfigs name

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
)

func main() { os.Exit(plugin.Main()) }
