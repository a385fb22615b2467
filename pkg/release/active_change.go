package release

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// activeChange is the change that Helm is making. For hooks that the HookRunner runs, Helm gets --no-hooks, and the
// client runs them where Helm would: before it applies the objects, and after it has waited for them. The
// release comes from the storage (see trackingDriver).
type activeChange struct {
	before, after helmrelease.HookEvent
	// errorFormat words an error of these hooks as Helm does, from the event and the error; empty leaves it as it is.
	errorFormat string
	timeout     time.Duration
	// wait reports that the objects are waited for. Helm always gets --wait, because the hooks run in its wait.
	wait bool
	// last is the release with the outcome of the hooks that ran before Helm stored it; nil if none did.
	last *helmrelease.Release

	// hooks reports that the HookRunner runs the hooks.
	hooks bool
	// ctx is the context of this change. It is a field because Helm's interface passes none.
	ctx context.Context //nolint:containedctx
	// paused is closed when a paused change may complete; nil if it is not paused.
	paused chan struct{}

	// release is the revision that Helm is writing; nil until it is stored.
	release     *helmrelease.Release
	preHooksRan bool
	// hooksFailed reports that hooks of an install, upgrade or rollback failed. When Helm runs hooks itself, it does not
	// update the previous revision then.
	hooksFailed bool
}

// waits reports whether a wait of Helm's is carried out. Before there is a release, Helm waits for CRDs.
func (a *activeChange) waits() bool { return a == nil || a.wait || a.release == nil }

// SetHooks sets how the chart's hooks run, and the runner for them. It must be called before Connect.
func (h *Helm) SetHooks(mode HookMode, run HookRunner) { h.mode, h.hooks = mode, run }

// HookMode returns how the chart's hooks run.
func (h *Helm) HookMode() HookMode { return h.mode }

// runsHooks reports whether the HookRunner, and not Helm's own code, runs the hooks.
func (h *Helm) runsHooks() bool {
	return h.hooks != nil && (h.mode == HooksSerial || h.mode == HooksParallel)
}

// actionFlags are the settings of one of Helm's actions that runWithHooks changes.
type actionFlags struct {
	noHooks, wait *bool
	// atomic is nil for actions without --atomic.
	atomic *bool
}

// runWithHooks calls change, one of Helm's actions, and runs the hooks around it. It restores the action's flags
// afterwards. undo reports that change failed and that the caller has to roll back for --atomic. Helm does not do that,
// because a rollback runs hooks, too, and Helm does not report whether it succeeded.
func (h *Helm) runWithHooks(a *activeChange, flags actionFlags, change func() error) (undo bool, err error) {
	defer restore(flags.noHooks, *flags.noHooks)
	if h.mode == HooksNone {
		*flags.noHooks = true
	}
	a.hooks = !*flags.noHooks && h.runsHooks()
	if h.client.pauses {
		a.paused, h.client.pauses = h.client.paused, false
	}
	atomic := flags.atomic != nil && *flags.atomic
	if !a.hooks && a.paused == nil && !atomic {
		return false, change()
	}
	defer restore(flags.wait, *flags.wait)
	a.wait = *flags.wait || atomic
	*flags.wait = true
	if a.hooks {
		*flags.noHooks = true
	}
	if atomic {
		defer restore(flags.atomic, true)
		*flags.atomic = false
	}
	defer h.client.begin(a)()
	err = change()
	return err != nil && atomic && a.release != nil, err
}

func restore(flag *bool, value bool) { *flag = value }

// Create implements kube.Interface. It runs the pre hooks first.
func (c *client) Create(resources helmkube.ResourceList) (*helmkube.Result, error) {
	if err := c.runPreHooks(); err != nil {
		return &helmkube.Result{}, err
	}
	return c.Client.Create(resources)
}

// Update implements kube.Interface. It runs the pre hooks first.
func (c *client) Update(original, target helmkube.ResourceList, force bool) (*helmkube.Result, error) {
	if err := c.runPreHooks(); err != nil {
		return &helmkube.Result{}, err
	}
	return c.Client.Update(original, target, force)
}

// UpdateThreeWayMerge implements kube.InterfaceThreeWayMerge. It runs the pre hooks first.
func (c *client) UpdateThreeWayMerge(original, target helmkube.ResourceList, force bool) (*helmkube.Result, error) {
	if err := c.runPreHooks(); err != nil {
		return &helmkube.Result{}, err
	}
	return c.Client.UpdateThreeWayMerge(original, target, force)
}

// runPreHooks runs the hooks that precede the release's objects, once, when the release is stored.
func (c *client) runPreHooks() error {
	a := c.active
	if a == nil || !a.hooks || a.release == nil || a.preHooksRan {
		return nil
	}
	a.preHooksRan = true
	err := c.runEvent(a, a.before)
	a.hooksFailed = err != nil
	return err
}

// runPostHooks runs the hooks that follow the release's objects. Without a release, Helm has waited for CRDs, and no
// hooks run.
func (c *client) runPostHooks() error {
	if c.active == nil || !c.active.hooks || c.active.release == nil {
		return nil
	}
	a := c.active
	err := c.runEvent(a, a.after)
	a.hooksFailed = err != nil && a.after != helmrelease.HookPostDelete // Helm completes an uninstall all the same
	return err
}

func (c *client) runEvent(a *activeChange, event helmrelease.HookEvent) error {
	err := c.runHooks(a.release, event, a.timeout)
	if err == nil || a.errorFormat == "" {
		return err
	}
	return fmt.Errorf(a.errorFormat, event, err)
}

// runHooks runs the hooks of an event and applies their delete policies, as Helm's pkg/action/hooks.go does. There
// are two differences: the release is stored only when Helm stores it anyway, and logs are shown while the hooks run.
func (c *client) runHooks(rel *helmrelease.Release, event helmrelease.HookEvent, timeout time.Duration) error {
	hooks, failed := c.executeHooks(rel, event, timeout)
	if err := applyDeletePolicies(hooks); failed == nil {
		return err
	}
	return failed
}

// executeHooks runs the hooks of an event and returns them. It deletes nothing that they created.
func (c *client) executeHooks(rel *helmrelease.Release, event helmrelease.HookEvent, timeout time.Duration) ([]*Hook, error) {
	var hooks []*Hook
	for _, h := range rel.Hooks {
		if slices.Contains(h.Events, event) {
			hooks = append(hooks, c.newHook(h, timeout))
		}
	}
	if len(hooks) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(hooks, func(a, b *Hook) int {
		return cmp.Or(cmp.Compare(a.Weight, b.Weight), cmp.Compare(a.hook.Name, b.hook.Name))
	})
	return hooks, c.until(func(ctx context.Context) error { return c.hooks(ctx, string(event), hooks) })
}
