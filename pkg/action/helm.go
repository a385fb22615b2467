package action

import (
	"context"
	"fmt"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/cluster"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
)

// Helm is Helm's part of the operations of a command. Operations that use the same one run one after another.
type Helm struct {
	*release.Helm

	// running runs the hooks of the release that is being changed.
	running *helm.Hooks
}

// HelmOptions choose how Helm waits for objects and runs hooks.
type HelmOptions struct {
	Hooks release.HookMode
	// Grace is how long a wait continues after a blocker; 0 waits until the timeout. With GraceGiven, a pod that no node
	// takes is a blocker too.
	Grace      time.Duration
	GraceGiven bool
	// Rules is a file with readiness rules for custom resources; may be empty.
	Rules string
	// Waiting takes lines about objects that are waited for, and Note takes notes about them.
	Waiting func(lines ...string)
	Note    func(text string)
}

// Connect connects Helm's part h to the namespace of a connection, and returns it with the namespace. The error is a
// UsageError when an option does not fit.
func (c *Connection) Connect(ctx context.Context, h *release.Helm, o HelmOptions) (*Helm, string, error) {
	how, err := o.readiness()
	if err != nil {
		return nil, "", err
	}
	connected := &Helm{Helm: h}
	h.SetCluster(cluster.Of(c.Client()), how)
	h.SetHooks(o.Hooks, func(ctx context.Context, event string, hooks []*release.Hook) error {
		return connected.running.Run(ctx, event, hooks)
	})
	namespace, err := c.Namespace()
	if err != nil {
		return nil, "", err
	}
	return connected, namespace, h.Connect(ctx, c.Flags, namespace)
}

// hooks returns the runner of the hooks of a release, with the pod options of the steps.
func (h *Helm) hooks(steps *runner.Steps) *helm.Hooks {
	return &helm.Hooks{
		Cluster: steps.Client, Pods: steps.Pods, Operation: steps.Operation, Release: steps.Release, Parallel: h.HookMode() == release.HooksParallel,
	}
}

// waitingLines describes the objects that a wait waits for, a line each.
func waitingLines(all int, unready []ready.Unready) []string {
	lines := []string{fmt.Sprintf("waiting for %d of %d objects:", len(unready), all)}
	for _, u := range unready {
		lines = append(lines, fmt.Sprintf("  %s, for %s", u, u.For.Round(time.Second)))
	}
	return lines
}
