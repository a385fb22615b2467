package kube

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// NotReadyError tells which workloads did not become ready, and why.
type NotReadyError struct {
	// Workloads are sentences such as "deployment/web: Available: 0/2", sorted.
	Workloads []string
	// Waited is how long they were waited for; 0 when waiting longer would not have helped.
	Waited time.Duration
}

// Error names every workload and what it lacks.
func (e *NotReadyError) Error() string {
	list := strings.Join(e.Workloads, "; ")
	if e.Waited == 0 {
		return "will not become ready: " + list
	}
	return fmt.Sprintf("not ready after %s: %s", e.Waited, list)
}

// WaitReady returns nil as soon as every workload among the objects has rolled out its newest
// revision, judged by kstatus on one watch per kind and namespace. It returns a *NotReadyError
// when the timeout passes or a workload reports that it has failed, ctx's cause when ctx is
// cancelled, and the server's error when it refuses to be asked.
func (c *Client) WaitReady(ctx context.Context, objects []*unstructured.Unstructured, timeout time.Duration) error {
	found := Workloads(objects)
	groups := map[place]map[string]bool{}
	for _, o := range found {
		p := place{workloads[o.GroupVersionKind().GroupKind()], o.GetNamespace()}
		if groups[p] == nil {
			groups[p] = map[string]bool{}
		}
		groups[p][o.GetName()] = true
	}
	return c.waitReady(ctx, groups, found, timeout)
}

// WaitObject returns nil as soon as the object, given as KIND/NAME with any of kubectl's names
// for the kind, is there and ready, judged by kstatus. The errors are those of WaitReady; a kind
// that the cluster does not have is one too.
func (c *Client) WaitObject(ctx context.Context, namespace, object string, timeout time.Duration) error {
	o, resource, err := c.named(namespace, object)
	if err != nil {
		return err
	}
	return c.waitReady(ctx, map[place]map[string]bool{{resource, o.GetNamespace()}: {o.GetName(): true}},
		[]*unstructured.Unstructured{o}, timeout)
}

// named returns an object of which only kind, namespace and name are known, and its resource.
func (c *Client) named(namespace, object string) (*unstructured.Unstructured, schema.GroupVersionResource, error) {
	kind, name, _ := strings.Cut(object, "/")
	mapper, err := c.mapper()
	if err != nil {
		return nil, schema.GroupVersionResource{}, err
	}
	specified, group := schema.ParseResourceArg(strings.ToLower(kind))
	var gvk schema.GroupVersionKind
	if specified != nil {
		gvk, err = mapper.KindFor(*specified)
	}
	if specified == nil || err != nil {
		gvk, err = mapper.KindFor(group.WithVersion(""))
	}
	if err != nil {
		return nil, schema.GroupVersionResource{}, fmt.Errorf("%s: %w", object, err)
	}
	mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, schema.GroupVersionResource{}, fmt.Errorf("%s: %w", object, err)
	}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(gvk)
	o.SetName(name)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		o.SetNamespace(namespace)
	}
	return o, mapping.Resource, nil
}

// place is where objects of one kind are watched.
type place struct {
	resource  schema.GroupVersionResource
	namespace string
}

// waitReady follows the named objects of each place until all are ready. The objects are for
// explaining what is not.
func (c *Client) waitReady(ctx context.Context, groups map[place]map[string]bool, objects []*unstructured.Unstructured, timeout time.Duration) error {
	client, err := c.Dynamic()
	if err != nil {
		return err
	}
	unready := &unready{reasons: map[string]string{}}
	for _, o := range objects {
		unready.set(Name(o), "not seen yet")
	}
	waiting, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	group, groupCtx := errgroup.WithContext(waiting)
	for p, names := range groups {
		group.Go(func() error {
			return awaitRollout(groupCtx, client.Resource(p.resource).Namespace(p.namespace), names, unready)
		})
	}
	err = group.Wait()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(context.Cause(waiting), errTimeout):
		return &NotReadyError{Workloads: c.explain(ctx, objects, unready), Waited: timeout}
	case errors.Is(err, errFailed):
		return &NotReadyError{Workloads: c.explain(ctx, objects, unready)}
	}
	return err
}

var (
	errTimeout = errors.New("timeout")
	errFailed  = errors.New("a workload failed")
)

// unready holds why each workload is not ready; one that is ready is not in it.
type unready struct {
	mu      sync.Mutex
	reasons map[string]string
}

func (u *unready) set(name, reason string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if reason == "" {
		delete(u.reasons, name)
		return
	}
	u.reasons[name] = reason
}

func (u *unready) sentences(more func(name string) string) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := make([]string, 0, len(u.reasons))
	for name, reason := range u.reasons {
		if why := more(name); why != "" {
			reason += " (" + why + ")"
		}
		list = append(list, name+": "+reason)
	}
	sort.Strings(list)
	return list
}

// awaitRollout follows the named objects of one kind and namespace until all are ready. A watch
// that ends, also one that is too old (410), is begun again with a list.
func awaitRollout(ctx context.Context, client dynamic.ResourceInterface, names map[string]bool, unready *unready) error {
	left := map[string]bool{}
	for n := range names {
		left[n] = true
	}
	see := func(o *unstructured.Unstructured) error {
		if !names[o.GetName()] {
			return nil
		}
		reason, err := rollout(o)
		unready.set(Name(o), reason)
		if reason == "" {
			delete(left, o.GetName())
		} else {
			left[o.GetName()] = true
		}
		return err
	}
	retry := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 10 * time.Second}
	for {
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			if !temporary(err) {
				return err
			}
			if err := pause(ctx, &retry); err != nil {
				return err
			}
			continue
		}
		for i := range list.Items {
			if err := see(&list.Items[i]); err != nil {
				return err
			}
		}
		if len(left) == 0 {
			return nil
		}
		events, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: list.GetResourceVersion(), AllowWatchBookmarks: true})
		if err != nil {
			if !temporary(err) {
				return err
			}
			if err := pause(ctx, &retry); err != nil {
				return err
			}
			continue
		}
		err = follow(ctx, events, see, func() bool { return len(left) == 0 })
		events.Stop()
		if err != nil || len(left) == 0 {
			return err
		}
		if err := pause(ctx, &retry); err != nil {
			return err
		}
	}
}

// follow hands every object of the watch to see until done, an error, or the watch's end.
func follow(ctx context.Context, events watch.Interface, see func(*unstructured.Unstructured) error, done func() bool) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case event, open := <-events.ResultChan():
			if !open || event.Type == watch.Error {
				return nil
			}
			o, ok := event.Object.(*unstructured.Unstructured)
			if !ok || event.Type == watch.Bookmark || event.Type == watch.Deleted {
				continue
			}
			if err := see(o); err != nil {
				return err
			}
			if done() {
				return nil
			}
		}
	}
}

// rollout returns why the object is not ready, or "" when it is. The error is errFailed when it
// never will be.
func rollout(o *unstructured.Unstructured) (string, error) {
	// A paused Deployment does not roll out until somebody resumes it; Helm does not wait for
	// it either.
	if paused, _, _ := unstructured.NestedBool(o.Object, "spec", "paused"); paused && o.GetKind() == "Deployment" {
		return "", nil
	}
	result, err := status.Compute(o)
	if err != nil {
		return err.Error(), nil
	}
	switch result.Status {
	case status.CurrentStatus:
		return "", nil
	case status.FailedStatus:
		return result.Message, errFailed
	default:
		return result.Message, nil
	}
}

// temporary reports whether asking again may help: it does not when the server understood the
// request and refused it.
func temporary(err error) bool {
	return !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) && !apierrors.IsNotFound(err) &&
		!apierrors.IsBadRequest(err) && !apierrors.IsMethodNotSupported(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

func pause(ctx context.Context, backoff *wait.Backoff) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(backoff.Step()):
		return nil
	}
}
