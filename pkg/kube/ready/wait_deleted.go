package ready

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Deleted is an object whose deletion is waited for.
type Deleted struct {
	Resource schema.GroupVersionResource
	// Namespace is empty for objects of the whole cluster.
	Namespace, Name string
	// UID is the UID of the object; empty for the one that has the name at the first request.
	UID types.UID
}

// String returns the resource and the name, such as "deployments/web".
func (d Deleted) String() string { return d.Resource.Resource + "/" + d.Name }

// NotDeletedError means that objects still exist.
type NotDeletedError struct {
	// Objects are sentences such as "pod/web: its finalizers are x", sorted.
	Objects []string
	// Waited is the duration of the wait.
	Waited time.Duration
}

// Error returns every object with what keeps it.
func (e *NotDeletedError) Error() string {
	return fmt.Sprintf("not deleted after %s: %s", e.Waited, strings.Join(e.Objects, "; "))
}

// WaitDeleted returns nil as soon as none of the objects exists. An object of the same name that is created in the
// meantime is another one. It opens one watch per kind and namespace. The error is a *NotDeletedError when the time is
// over, ctx's cause when ctx is cancelled, and the server's error when it refuses the requests.
func (r Waiter) WaitDeleted(ctx context.Context, objects []Deleted, timeout time.Duration) error {
	client, err := r.Client.Dynamic()
	if err != nil {
		return err
	}
	timed, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	there, err := existing(timed, client, objects)
	if err != nil {
		return err
	}
	places := map[place]*deletions{}
	for _, o := range there {
		p := place{o.Resource, o.Namespace}
		if places[p] == nil {
			places[p] = &deletions{waiting: map[string]types.UID{}, left: map[types.UID]*unstructured.Unstructured{}}
		}
		places[p].waiting[o.Name] = o.UID
	}
	group, following := errgroup.WithContext(timed)
	var mu sync.Mutex
	var still []string
	for p, d := range places {
		group.Go(func() error {
			err := d.wait(following, client.Resource(p.resource).Namespace(p.namespace))
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				still = append(still, d.remaining(p.resource.Resource)...)
			}
			return err
		})
	}
	err = group.Wait()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(context.Cause(timed), errTimeout):
		slices.Sort(still)
		return &NotDeletedError{Objects: still, Waited: timeout}
	}
	return err
}

// deletions are objects of one place whose deletion is waited for.
type deletions struct {
	// waiting are the UIDs of the objects by name; an empty UID is that of the object that exists at the first list.
	waiting map[string]types.UID
	// left are the objects that exist, by UID. They are known after the first list.
	left   map[types.UID]*unstructured.Unstructured
	listed bool
}

// wait returns nil as soon as none of the objects exists.
func (d *deletions) wait(ctx context.Context, client dynamic.ResourceInterface) error {
	options := metav1.ListOptions{}
	if len(d.waiting) == 1 {
		for name := range d.waiting {
			options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
		}
	}
	err := kube.ListAndWatch(ctx, client, options, d.list, d.see)
	if apierrors.IsForbidden(err) {
		return pollUntilDeleted(ctx, client, d.waiting, err, d.left)
	}
	return err
}

// list takes all objects of the place; false when none of d is left.
func (d *deletions) list(all []unstructured.Unstructured) bool {
	exists := map[types.UID]bool{}
	for i := range all {
		exists[all[i].GetUID()] = true
		if uid, waits := d.waiting[all[i].GetName()]; !d.listed && waits && (uid == "" || uid == all[i].GetUID()) {
			d.left[all[i].GetUID()] = &all[i]
		}
	}
	d.listed = true
	for uid := range d.left {
		if !exists[uid] {
			delete(d.left, uid)
		}
	}
	return len(d.left) > 0
}

// see takes a change of an object of the place; false when none of d is left.
func (d *deletions) see(o *unstructured.Unstructured, deleted bool) bool {
	if deleted {
		delete(d.left, o.GetUID())
	} else if d.left[o.GetUID()] != nil {
		d.left[o.GetUID()] = o
	}
	return len(d.left) > 0
}

// remaining returns a line for each object that is left.
func (d *deletions) remaining(resource string) []string {
	var lines []string
	for _, o := range d.left {
		lines = append(lines, keptBy(o))
	}
	if !d.listed {
		for name := range d.waiting {
			lines = append(lines, fmt.Sprintf("%s/%s: the server has not answered", resource, name))
		}
	}
	return lines
}

// pollUntilDeleted returns nil when none of the objects, given by names and UIDs, exists; it is for objects that may
// not be watched. left are the existing ones by UID. An object without a UID is the one that exists at the first
// request.
func pollUntilDeleted(ctx context.Context, client dynamic.ResourceInterface, objects map[string]types.UID, refused error, left map[types.UID]*unstructured.Unstructured) error {
	waiting := maps.Clone(objects)
	for uid, o := range left {
		waiting[o.GetName()] = uid
	}
	return kube.PollObjects(ctx, client, slices.Sorted(maps.Keys(objects)), refused, func(name string, o *unstructured.Unstructured) bool {
		uid, waits := waiting[name]
		switch {
		case !waits:
		case o == nil, uid != "" && uid != o.GetUID():
			delete(waiting, name)
			delete(left, uid)
		default:
			waiting[name], left[o.GetUID()] = o.GetUID(), o
		}
		return len(waiting) > 0
	})
}

// existing returns those of the objects that exist, with their UIDs. Most are deleted at once, and a request for each
// is faster than a list, which the server may delay until its cache is fresh.
func existing(ctx context.Context, client dynamic.Interface, objects []Deleted) ([]Deleted, error) {
	there := make([]*Deleted, len(objects))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for i, o := range objects {
		group.Go(func() error {
			now, err := client.Resource(o.Resource).Namespace(o.Namespace).Get(asking, o.Name, metav1.GetOptions{})
			switch {
			case apierrors.IsNotFound(err), err == nil && o.UID != "" && o.UID != now.GetUID():
				return nil
			case err == nil:
				o.UID = now.GetUID()
			case !kube.Temporary(err):
				there[i] = &o // it may exist, if this error only means that the time is over
				return err
			}
			there[i] = &o
			return nil
		})
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return nil, err
	}
	var left []Deleted
	for _, o := range there {
		if o != nil {
			left = append(left, *o)
		}
	}
	return left, nil
}

// parallelRequests is the number of parallel requests.
const parallelRequests = 16

// keptBy returns what keeps an object.
func keptBy(o *unstructured.Unstructured) string {
	switch finalizers := o.GetFinalizers(); {
	case o.GetDeletionTimestamp() == nil:
		return kube.Name(o) + ": it is not being deleted"
	case len(finalizers) > 0:
		return fmt.Sprintf("%s: its finalizers are %s", kube.Name(o), strings.Join(finalizers, ", "))
	}
	return kube.Name(o) + ": it is being deleted"
}
