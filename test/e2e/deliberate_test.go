//go:build e2e

package e2e

import (
	"context"

	"helm.sh/helm/v3/pkg/release"

	"github.com/kubectl-tasks/kubectl-tasks/test/differential"
)

// deliberate are the differences from Helm 3 that are meant, each with the page that says so.
var deliberate = []struct{ name, page string }{
	{pendingRollback, "docs/hooks.md"},
	{failedRollback, "docs/hooks.md"},
}

const (
	pendingRollback = "a rollback of a pending release is refused"
	failedRollback  = "a failed hook of a rollback leaves a failed revision, and none that is pending"
)

// skips reports whether a step is left out, because the two are meant to end differently.
func (w *twins) skips(_ context.Context, step differential.Step, before clusterState) (bool, error) {
	if last := before.last(); step.Is("rollback") && last != nil && release.Status(last.Info.Status).IsPending() {
		w.deliberate[pendingRollback]++
		return true, nil
	}
	return false, nil
}

// align changes what helm has left into what we are meant to leave, when it is one of the deliberate differences.
func (w *twins) align(_ context.Context, step differential.Step, ends [2]ended, _ clusterState, now [2]clusterState) error {
	theirs, ours := now[0].last(), now[1].last()
	if theirs == nil || ours == nil || theirs.Version != ours.Version {
		return nil
	}
	if step.Is("rollback") && ends[0].failed && ends[1].failed && theirs.Info.Status == string(release.StatusPendingRollback) && ours.Info.Status == string(release.StatusFailed) {
		w.deliberate[failedRollback]++
		return w.mark(w.ns[0], release.StatusFailed, ours.Info.Description)
	}
	return nil
}
