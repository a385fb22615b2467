package kube

import (
	"context"
	"errors"
	"fmt"
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
)

// Deleted is an object that is being deleted.
type Deleted struct {
	Resource schema.GroupVersionResource
	// Namespace is empty for objects of the whole cluster.
	Namespace, Name string
}

// String returns such as "deployments/web".
func (d Deleted) String() string { return d.Resource.Resource + "/" + d.Name }

// NotGoneError tells which objects are still there.
type NotGoneError struct {
	// Objects are sentences such as "pods/web: finalizers [x]", sorted.
	Objects []string
	// Waited is how long they were waited for.
	Waited time.Duration
}

// Error names every object and what keeps it.
func (e *NotGoneError) Error() string {
	return fmt.Sprintf("not deleted after %s: %s", e.Waited, strings.Join(e.Objects, "; "))
}

// WaitGone returns nil as soon as none of the objects is there any more; one of the same name that is made
// meanwhile is another one. It watches one place per kind and namespace. The error is a *NotGoneError when the
// time is over, ctx's cause when ctx is cancelled, and the server's when it refuses to be asked.
func (c *Client) WaitGone(ctx context.Context, objects []Deleted, timeout time.Duration) error {
	client, err := c.Dynamic()
	if err != nil {
		return err
	}
	timed, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	there, err := stillThere(timed, client, objects)
	if err != nil {
		return err
	}
	places := map[place][]string{}
	for _, o := range there {
		p := place{o.Resource, o.Namespace}
		places[p] = append(places[p], o.Name)
	}
	group, following := errgroup.WithContext(timed)
	var mu sync.Mutex
	var still []string
	for p, names := range places {
		options := metav1.ListOptions{}
		if len(names) == 1 {
			options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, names[0]).String()
		}
		group.Go(func() error {
			left, first := map[types.UID]*unstructured.Unstructured{}, true
			objects := client.Resource(p.resource).Namespace(p.namespace)
			err := listAndFollow(following, objects, options, func(all []unstructured.Unstructured) bool {
				there := map[types.UID]bool{}
				for i := range all {
					there[all[i].GetUID()] = true
					if first && slices.Contains(names, all[i].GetName()) {
						left[all[i].GetUID()] = &all[i]
					}
				}
				first = false
				for uid := range left {
					if !there[uid] {
						delete(left, uid)
					}
				}
				return len(left) > 0
			}, func(o *unstructured.Unstructured, gone bool) bool {
				if gone {
					delete(left, o.GetUID())
				} else if left[o.GetUID()] != nil {
					left[o.GetUID()] = o
				}
				return len(left) > 0
			})
			if apierrors.IsForbidden(err) {
				err = askUntilGone(following, objects, names, err, left)
			}
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				for _, o := range left {
					still = append(still, whyThere(o))
				}
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
		return &NotGoneError{Objects: still, Waited: timeout}
	}
	return err
}

// askUntilGone returns nil when none of the objects of those names is there that may not be watched; left are
// those that are, by their UIDs.
func askUntilGone(ctx context.Context, client dynamic.ResourceInterface, names []string, refused error, left map[types.UID]*unstructured.Unstructured) error {
	waiting := map[string]types.UID{}
	for _, name := range names {
		waiting[name] = ""
	}
	for uid, o := range left {
		waiting[o.GetName()] = uid
	}
	return askFor(ctx, client, names, refused, func(name string, o *unstructured.Unstructured) bool {
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

// stillThere returns those of the objects that are there. Most are gone at once, and asking for each is quicker
// than a list, which the server may hold back until its cache is fresh.
func stillThere(ctx context.Context, client dynamic.Interface, objects []Deleted) ([]Deleted, error) {
	there := make([]bool, len(objects))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(asked)
	for i, o := range objects {
		group.Go(func() error {
			_, err := client.Resource(o.Resource).Namespace(o.Namespace).Get(asking, o.Name, metav1.GetOptions{})
			if there[i] = !apierrors.IsNotFound(err); err != nil && there[i] && !temporary(err) {
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return nil, err
	}
	left := 0
	return slices.DeleteFunc(slices.Clone(objects), func(Deleted) bool {
		left++
		return !there[left-1]
	}), nil
}

// asked is how many objects are asked for at the same time.
const asked = 16

// whyThere says what keeps an object.
func whyThere(o *unstructured.Unstructured) string {
	switch finalizers := o.GetFinalizers(); {
	case o.GetDeletionTimestamp() == nil:
		return Name(o) + ": nobody deletes it"
	case len(finalizers) > 0:
		return fmt.Sprintf("%s: its finalizers are %s", Name(o), strings.Join(finalizers, ", "))
	}
	return Name(o) + ": it is being ended"
}
