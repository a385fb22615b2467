package release

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// HookMode says who runs the chart's own hooks, and how.
type HookMode string

// The ways to run hooks: one after another or those of equal weight at once, by us; by Helm's own code, with
// our waits; or not at all.
const (
	HooksSerial   HookMode = "serial"
	HooksParallel HookMode = "parallel"
	HooksHelm     HookMode = "helm"
	HooksNone     HookMode = "none"
)

// HookModes are all of them, in the order of their description.
func HookModes() []HookMode { return []HookMode{HooksSerial, HooksParallel, HooksHelm, HooksNone} }

// TimeoutAnnotation on a hook is how long it may take, in the place of --timeout.
const TimeoutAnnotation = "kubectl-tasks.io/timeout"

// HookRunner carries out the hooks of an event, in the order in which Helm would, and returns the error of the
// one that failed.
type HookRunner func(ctx context.Context, event string, hooks []*Hook) error

// Hook is one hook of a chart, for one event.
type Hook struct {
	// Kind and Name are those of its object, Weight its place.
	Kind, Name string
	Weight     int
	// Timeout is how long it may take.
	Timeout time.Duration

	client *client
	hook   *helmrelease.Hook
	// ran reports that Make has begun to make its objects in this run: LastRun may be of an earlier one.
	ran bool
	// own are those of its objects that this run has made, also when others could not be; made are all of them
	// once they are there.
	own  helmkube.ResourceList
	made []*unstructured.Unstructured
}

// around is a change around which the hooks are carried out here: Helm, told that there are none, calls the
// client at the places where it would run them. The release comes from its storage (see recorder).
type around struct {
	before, after helmrelease.HookEvent
	// wording is how Helm words an error of these hooks, with the event and the error.
	wording string
	timeout time.Duration
	// wait reports that the objects are to be waited for: Helm is always told to wait.
	wait bool
	// last is the newest known state of the hooks that have run before the release came; may be nil.
	last *helmrelease.Release

	// hooks reports that the hooks are run here, and not by Helm or not at all.
	hooks bool
	// ctx is the change's own. It stands in the struct because Helm's interface passes none.
	ctx context.Context //nolint:containedctx
	// paused is closed when the change may go on to its end; nil when it does so by itself.
	paused chan struct{}

	release *helmrelease.Release
	done    bool
	// hooksFailed reports that hooks of an install, upgrade or rollback have failed: Helm, which would have run them itself,
	// writes nothing about the revision before then.
	hooksFailed bool
}

// waits reports whether objects are to be waited for when Helm says so. Before there is a release, these are
// CRDs.
func (a *around) waits() bool { return a == nil || a.wait || a.release == nil }

// Hooks says how the chart's hooks are run, and by what. It is called before Connect.
func (h *Helm) Hooks(mode HookMode, run HookRunner) { h.mode, h.hooks = mode, run }

// HookMode returns how the chart's hooks are run.
func (h *Helm) HookMode() HookMode { return h.mode }

// ours reports whether the hooks are run here.
func (h *Helm) ours() bool {
	return h.hooks != nil && (h.mode == HooksSerial || h.mode == HooksParallel)
}

// settings are those of Helm's actions that change when the hooks are carried out here.
type settings struct {
	noHooks, wait *bool
	// atomic is nil for actions that have no such setting.
	atomic *bool
}

// runAround calls change, one of Helm's actions, with the hooks carried out around it; its settings are the
// user's again afterwards. undo reports that it failed and that --atomic has to be carried out: that has hooks too,
// and Helm does not say whether it succeeded, so it is not left to Helm.
func (h *Helm) runAround(a *around, s settings, change func() error) (undo bool, err error) {
	defer restore(s.noHooks, *s.noHooks)
	if h.mode == HooksNone {
		*s.noHooks = true
	}
	a.hooks = !*s.noHooks && h.ours()
	if h.client.pauses {
		a.paused, h.client.pauses = h.client.paused, false
	}
	atomic := s.atomic != nil && *s.atomic
	if !a.hooks && a.paused == nil && !atomic {
		return false, change()
	}
	defer restore(s.wait, *s.wait)
	a.wait = *s.wait || atomic
	*s.wait = true
	if a.hooks {
		*s.noHooks = true
	}
	if atomic {
		defer restore(s.atomic, true)
		*s.atomic = false
	}
	defer h.client.begin(a)()
	err = change()
	return err != nil && atomic && a.release != nil, err
}

func restore(setting *bool, value bool) { *setting = value }

// Create implements kube.Interface: before the release's objects come the hooks.
func (c *client) Create(resources helmkube.ResourceList) (*helmkube.Result, error) {
	if err := c.beforeChange(); err != nil {
		return &helmkube.Result{}, err
	}
	return c.Client.Create(resources)
}

// Update implements kube.Interface.
func (c *client) Update(original, target helmkube.ResourceList, force bool) (*helmkube.Result, error) {
	if err := c.beforeChange(); err != nil {
		return &helmkube.Result{}, err
	}
	return c.Client.Update(original, target, force)
}

// UpdateThreeWayMerge implements kube.InterfaceThreeWayMerge.
func (c *client) UpdateThreeWayMerge(original, target helmkube.ResourceList, force bool) (*helmkube.Result, error) {
	if err := c.beforeChange(); err != nil {
		return &helmkube.Result{}, err
	}
	return c.Client.UpdateThreeWayMerge(original, target, force)
}

// beforeChange runs the hooks that come before the release's objects, once the release is stored.
func (c *client) beforeChange() error {
	a := c.around
	if a == nil || !a.hooks || a.release == nil || a.done {
		return nil
	}
	a.done = true
	err := c.runEvent(a, a.before)
	a.hooksFailed = err != nil
	return err
}

// afterChange runs the hooks that come after the release's objects. Without a release it is a wait for CRDs.
func (c *client) afterChange() error {
	if c.around == nil || !c.around.hooks || c.around.release == nil {
		return nil
	}
	a := c.around
	err := c.runEvent(a, a.after)
	a.hooksFailed = err != nil && a.after != helmrelease.HookPostDelete // an uninstall goes on
	return err
}

func (c *client) runEvent(a *around, event helmrelease.HookEvent) error {
	err := c.runHooks(a.release, event, a.timeout)
	if err == nil || a.wording == "" {
		return err
	}
	return fmt.Errorf(a.wording, event, err)
}

// runHooks carries out the hooks of an event, with the delete policies that they have: what Helm's
// pkg/action/hooks.go does, but that the release is written only when Helm writes it anyway, and that logs are
// shown while they are written.
func (c *client) runHooks(rel *helmrelease.Release, event helmrelease.HookEvent, timeout time.Duration) error {
	hooks, failed := c.carryOut(rel, event, timeout)
	if err := tidy(hooks); failed == nil {
		return err
	}
	return failed
}

// carryOut carries out the hooks of an event and returns them, with what they have made still there.
func (c *client) carryOut(rel *helmrelease.Release, event helmrelease.HookEvent, timeout time.Duration) ([]*Hook, error) {
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

func (c *client) newHook(h *helmrelease.Hook, timeout time.Duration) *Hook {
	return &Hook{Kind: h.Kind, Name: nameOf(h), Weight: h.Weight, Timeout: timeout, client: c, hook: h}
}

// nameOf returns the name of a hook's object, or how the one begins that the server is going to give it.
func nameOf(h *helmrelease.Hook) string {
	if h.Name != "" {
		return h.Name
	}
	all, err := objects(h.Manifest, "")
	if err != nil || len(all) == 0 {
		return "" // which is told when it is made
	}
	return all[0].GetGenerateName()
}

// building keeps hooks from being built at the same time: Helm's mapper is not safe for that.
var building sync.Mutex

func (h *Hook) build() (helmkube.ResourceList, error) {
	building.Lock()
	defer building.Unlock()
	resources, err := h.client.Build(bytes.NewBufferString(h.hook.Manifest), true)
	if err != nil {
		return nil, fmt.Errorf("unable to build kubernetes object for hook %s: %w", h.hook.Path, err)
	}
	return resources, nil
}

// Make makes the hook's objects, after it has deleted those of an earlier time if the hook says so, and returns
// them as the cluster has them.
func (h *Hook) Make() ([]*unstructured.Unstructured, error) {
	if h.made != nil {
		return h.made, nil
	}
	if len(h.hook.DeletePolicies) == 0 { // as Helm notes it in the release, for those that are reached
		h.hook.DeletePolicies = []helmrelease.HookDeletePolicy{helmrelease.HookBeforeHookCreation}
	}
	if err := h.makeRoom(); err != nil {
		return nil, err
	}
	resources, err := h.build()
	if err != nil {
		return nil, err
	}
	h.ran = true
	h.hook.LastRun = helmrelease.HookExecution{StartedAt: helmtime.Now(), Phase: helmrelease.HookPhaseUnknown}
	h.own, err = h.client.create(resources)
	if err != nil {
		return nil, fmt.Errorf("warning: Hook %s failed: %w", h.hook.Path, err)
	}
	made := objectsOf(resources)
	if h.Kind == "CustomResourceDefinition" && h.client.cluster != nil {
		// The next hook may be of its kind; Helm waits for those of a chart's crds folder, too.
		how := h.client.readiness
		how.Timeout = h.Timeout
		if err := h.client.until(func(ctx context.Context) error { return h.client.cluster.WaitReady(ctx, made, how) }); err != nil {
			return nil, fmt.Errorf("hook %s: %w", h.hook.Path, err)
		}
	}
	h.made = made
	return h.made, nil
}

// Ended notes how the hook ended.
func (h *Hook) Ended(succeeded bool) {
	if !h.ran {
		return
	}
	h.hook.LastRun.CompletedAt = helmtime.Now()
	h.hook.LastRun.Phase = helmrelease.HookPhaseFailed
	if succeeded {
		h.hook.LastRun.Phase = helmrelease.HookPhaseSucceeded
	}
}

// Own returns how long the hook may take: what it says itself, or Timeout.
func (h *Hook) Own() (time.Duration, error) {
	all := h.made
	if all == nil {
		var err error
		if all, err = objects(h.hook.Manifest, ""); err != nil {
			return h.Timeout, nil //nolint:nilerr // what cannot be read is told when it is made
		}
	}
	if len(all) == 0 || all[0].GetAnnotations()[TimeoutAnnotation] == "" {
		return h.Timeout, nil
	}
	text := all[0].GetAnnotations()[TimeoutAnnotation]
	own, err := time.ParseDuration(text)
	if err != nil || own <= 0 {
		return 0, fmt.Errorf("hook %s/%s: annotation %s: %q is not a duration; write 5m", strings.ToLower(h.Kind), h.Name, TimeoutAnnotation, text)
	}
	return own, nil
}

// WatchUntilReady implements kube.Interface; Helm waits for hooks with it when it runs them itself.
func (c *client) WatchUntilReady(resources helmkube.ResourceList, timeout time.Duration) error {
	if c.hooks == nil {
		return c.until(func(context.Context) error { return c.Client.WatchUntilReady(resources, timeout) })
	}
	var hooks []*Hook
	for i, o := range objectsOf(resources) {
		hooks = append(hooks, &Hook{Kind: o.GetKind(), Name: o.GetName(), Weight: i, Timeout: timeout, client: c, made: []*unstructured.Unstructured{o}})
	}
	return c.until(func(ctx context.Context) error { return c.hooks(ctx, "", hooks) })
}
