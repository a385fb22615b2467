//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/release"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/test/differential"
)

// The differences from Helm 3 that are meant; docs/hooks.md gives the reason for each.
const (
	pendingRollback   = "a rollback of a pending release is refused"
	failedRollback    = "after a failed hook of a rollback the revision has failed, and is not pending"
	hookEnds          = "the end of a hook that fails is stored before a deletion, too"
	tidied            = "hook-succeeded is obeyed also when a later hook cannot be made"
	atomicRollback    = "--atomic rolls back where Helm's rollback finds the object of a hook with hook-succeeded"
	newestUninstalled = "upgrade --install goes by the newest revision, beyond the ninth, too"
)

// errDiverged ends a sequence: a deliberate difference within one step has left the namespaces too different to compare.
var errDiverged = errors.New("the namespaces differ on purpose")

// skips reports whether a step is left out, because the two are meant to end differently.
func (w *twins) skips(step differential.Step, before clusterState) bool {
	last := before.last()
	if last == nil {
		return false
	}
	if step.Is("rollback") && release.Status(last.Info.Status).IsPending() {
		w.tally[pendingRollback]++
		return true
	}
	if step.Is("upgrade") && step.Has("--install") {
		// Helm's command takes the last one by the keys' order.
		byKey := slices.MaxFunc(before.revisions, func(a, b storedRelease) int {
			return cmp.Compare(fmt.Sprint(a.Version), fmt.Sprint(b.Version))
		})
		if gone := string(release.StatusUninstalled); (byKey.Info.Status == gone) != (last.Info.Status == gone) {
			w.tally[newestUninstalled]++
			return true
		}
	}
	return false
}

// align changes what helm has left into what we are meant to leave, when both commands have failed and it is one of the
// deliberate differences.
func (w *twins) align(ctx context.Context, ends [2]ended, before clusterState, now [2]clusterState) error {
	if !ends[0].failed || !ends[1].failed {
		return nil
	}
	theirs, ours := now[0].last(), now[1].last()
	if theirs == nil && ours == nil && before.last() != nil { // an uninstall that continued
		return w.tidy(ctx, before.last().Hooks, now)
	}
	if theirs == nil || ours == nil || theirs.Version != ours.Version {
		return nil
	}
	if rolledBackByAtomic(ends, *theirs, *ours) {
		w.tally[atomicRollback]++
		return errDiverged
	}
	failed := string(release.StatusFailed)
	if theirs.Info.Status == string(release.StatusPendingRollback) && ours.Info.Status == failed {
		w.tally[failedRollback]++
		return w.amend(w.ns[0], func(newest *release.Release) {
			newest.Info.Status, newest.Info.Description = release.StatusFailed, ours.Info.Description
			endHooks(newest, ours.Hooks)
		})
	}
	if theirs.Info.Status == string(release.StatusUninstalling) && slices.ContainsFunc(theirs.Hooks, running) && !slices.ContainsFunc(ours.Hooks, running) {
		w.tally[hookEnds]++
		return w.amend(w.ns[0], func(newest *release.Release) { endHooks(newest, ours.Hooks) })
	}
	ended := slices.DeleteFunc(slices.Clone(ours.Hooks), func(h storedHook) bool { return h.LastRun.Phase != string(release.HookPhaseSucceeded) })
	return w.tidy(ctx, ended, now)
}

// rolledBackByAtomic reports whether the rollback of --atomic has succeeded with us, and failed with Helm, because Helm had left
// the object of a hook with hook-succeeded after a later hook could not be created.
func rolledBackByAtomic(ends [2]ended, theirs, ours storedRelease) bool {
	return theirs.Info.Status == string(release.StatusPendingRollback) && ours.Info.Status == string(release.StatusDeployed) &&
		strings.Contains(ends[0].output, "while rolling back the release") &&
		slices.ContainsFunc(theirs.Hooks, func(h storedHook) bool {
			return slices.Contains(h.DeletePolicies, string(release.HookSucceeded)) && strings.Contains(ends[0].output, fmt.Sprintf("%q already exists", h.Name))
		})
}

// tidy deletes in helm's namespace what is not in ours, when it is one of the hooks' and hook-succeeded their policy.
func (w *twins) tidy(ctx context.Context, hooks []storedHook, now [2]clusterState) error {
	for _, h := range hooks {
		key := strings.ToLower(h.Kind) + "/" + h.Name
		_, theirs := now[0].objects[key]
		_, ours := now[1].objects[key]
		if ours || !theirs || !slices.Contains(h.DeletePolicies, string(release.HookSucceeded)) {
			continue
		}
		w.tally[tidied]++
		background := metav1.DeletePropagationBackground
		err := w.dynamic.Resource(kinds[h.Kind]).Namespace(w.ns[0]).Delete(ctx, h.Name, metav1.DeleteOptions{PropagationPolicy: &background})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func running(h storedHook) bool { return h.LastRun.Phase == string(release.HookPhaseRunning) }

// endHooks gives the hooks that Helm left running the result that we have stored for them, or that they have failed.
func endHooks(rel *release.Release, ours []storedHook) {
	for _, h := range rel.Hooks {
		if h.LastRun.Phase != release.HookPhaseRunning {
			continue
		}
		h.LastRun.Phase = release.HookPhaseFailed
		for _, o := range ours {
			if o.Kind == h.Kind && o.Name == h.Name && o.LastRun.Phase == string(release.HookPhaseSucceeded) {
				h.LastRun.Phase = release.HookPhaseSucceeded
			}
		}
	}
}
