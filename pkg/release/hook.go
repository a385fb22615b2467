package release

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// HookMode is a way to run the chart's own hooks.
type HookMode string

// The modes: hooks run one after another, or those of equal weight in parallel, through the HookRunner; Helm's own
// code runs them, and the HookRunner waits for them; or they do not run.
const (
	HooksSerial   HookMode = "serial"
	HooksParallel HookMode = "parallel"
	HooksHelm     HookMode = "helm"
	HooksNone     HookMode = "none"
)

// HookModes returns all modes, in the order of their description.
func HookModes() []HookMode { return []HookMode{HooksSerial, HooksParallel, HooksHelm, HooksNone} }

// TimeoutAnnotation is the annotation with which a hook sets its own timeout, in place of --timeout.
const TimeoutAnnotation = "kubectl-tasks.io/timeout"

// HookRunner runs the hooks of an event, which are in Helm's order, and returns the error of a hook that failed. The
// event is empty when Helm's own code has created the hooks: then they are only waited for.
type HookRunner func(ctx context.Context, event string, hooks []*Hook) error

// Hook is one hook of a chart, for one event.
type Hook struct {
	// Kind and Name identify its object, Weight orders the hooks of an event.
	Kind, Name string
	Weight     int
	// Timeout is Helm's --timeout; see EffectiveTimeout.
	Timeout time.Duration

	client *client
	hook   *helmrelease.Hook
	// started reports that Create has run in this process: LastRun may be that of an earlier run.
	started bool
	// created are the objects that this run created, even if it could not create all of them. objects are all
	// objects of the hook, once they exist.
	created helmkube.ResourceList
	objects []*unstructured.Unstructured
}

func (c *client) newHook(h *helmrelease.Hook, timeout time.Duration) *Hook {
	return &Hook{Kind: h.Kind, Name: hookName(h), Weight: h.Weight, Timeout: timeout, client: c, hook: h}
}

// hookName returns the name of a hook's object, or its generateName.
func hookName(h *helmrelease.Hook) string {
	if h.Name != "" {
		return h.Name
	}
	all, err := objects(h.Manifest, "")
	if err != nil || len(all) == 0 {
		return "" // Create returns the error
	}
	return all[0].GetGenerateName()
}

// buildMutex serializes Build for hooks that run in parallel, because Helm's REST mapper is not safe for concurrent
// use.
var buildMutex sync.Mutex

func (h *Hook) build() (helmkube.ResourceList, error) {
	buildMutex.Lock()
	defer buildMutex.Unlock()
	resources, err := h.client.Build(bytes.NewBufferString(h.hook.Manifest), true)
	if err != nil {
		return nil, fmt.Errorf("unable to build kubernetes object for hook %s: %w", h.hook.Path, err)
	}
	return resources, nil
}

// Create creates the hook's objects and returns them as the server returned them. With the delete policy
// before-hook-creation it deletes existing objects of the same names first.
func (h *Hook) Create() ([]*unstructured.Unstructured, error) {
	if h.objects != nil {
		return h.objects, nil
	}
	if len(h.hook.DeletePolicies) == 0 { // Helm stores its default in the release, for hooks that it reaches
		h.hook.DeletePolicies = []helmrelease.HookDeletePolicy{helmrelease.HookBeforeHookCreation}
	}
	if err := h.deletePrevious(); err != nil {
		return nil, err
	}
	resources, err := h.build()
	if err != nil {
		return nil, err
	}
	h.started = true
	h.hook.LastRun = helmrelease.HookExecution{StartedAt: helmtime.Now(), Phase: helmrelease.HookPhaseUnknown}
	h.created, err = h.client.createHookObjects(resources)
	if err != nil {
		return nil, fmt.Errorf("warning: Hook %s failed: %w", h.hook.Path, err)
	}
	objects := objectsOf(resources)
	if h.Kind == "CustomResourceDefinition" && h.client.cluster != nil {
		// The next hook may be of this kind. Helm waits for the CRDs of a chart's crds folder in the same way.
		how := h.client.readiness
		how.Timeout = h.Timeout
		if err := h.client.until(func(ctx context.Context) error { return h.client.cluster.WaitReady(ctx, objects, how) }); err != nil {
			return nil, fmt.Errorf("hook %s: %w", h.hook.Path, err)
		}
	}
	h.objects = objects
	return h.objects, nil
}

// RecordOutcome sets the phase of the hook's last run, which Helm stores with the release. It does nothing if Create
// created nothing.
func (h *Hook) RecordOutcome(succeeded bool) {
	if !h.started {
		return
	}
	h.hook.LastRun.CompletedAt = helmtime.Now()
	h.hook.LastRun.Phase = helmrelease.HookPhaseFailed
	if succeeded {
		h.hook.LastRun.Phase = helmrelease.HookPhaseSucceeded
	}
}

// EffectiveTimeout returns the timeout of the hook's TimeoutAnnotation, or Timeout if it has none. The error is that
// of an invalid annotation.
func (h *Hook) EffectiveTimeout() (time.Duration, error) {
	all := h.objects
	if all == nil {
		var err error
		if all, err = objects(h.hook.Manifest, ""); err != nil {
			return h.Timeout, nil //nolint:nilerr // Create returns the error
		}
	}
	if len(all) == 0 || all[0].GetAnnotations()[TimeoutAnnotation] == "" {
		return h.Timeout, nil
	}
	text := all[0].GetAnnotations()[TimeoutAnnotation]
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout <= 0 {
		return 0, fmt.Errorf("hook %s/%s: annotation %s: %q is not a duration; write 5m", strings.ToLower(h.Kind), h.Name, TimeoutAnnotation, text)
	}
	return timeout, nil
}

// WatchUntilReady implements kube.Interface. Helm waits with it for the hooks that it runs itself.
func (c *client) WatchUntilReady(resources helmkube.ResourceList, timeout time.Duration) error {
	if c.hooks == nil {
		return c.until(func(context.Context) error { return c.Client.WatchUntilReady(resources, timeout) })
	}
	var hooks []*Hook
	for i, o := range objectsOf(resources) {
		hooks = append(hooks, &Hook{Kind: o.GetKind(), Name: o.GetName(), Weight: i, Timeout: timeout, client: c, objects: []*unstructured.Unstructured{o}})
	}
	return c.until(func(ctx context.Context) error { return c.hooks(ctx, "", hooks) })
}
