package kube

import (
	"context"
	"errors"
	"maps"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

// WatchObject calls see with each state of the object of that name, with nil while it does not exist, until see returns
// false. It returns nil then. Otherwise the error is ctx's cause, or the server's when it refuses the request. A lost
// connection is made again.
func WatchObject(ctx context.Context, client dynamic.ResourceInterface, name string, see func(*unstructured.Unstructured) bool) error {
	only := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()}
	return ListAndWatch(ctx, client, only, func(all []unstructured.Unstructured) bool {
		if len(all) == 0 {
			return see(nil)
		}
		return see(&all[0])
	}, func(o *unstructured.Unstructured, deleted bool) bool {
		if deleted {
			o = nil
		}
		return see(o)
	})
}

// WatchAll is WatchObject for all objects that the options select. see gets the last state of a deleted object with
// deleted.
func WatchAll(ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions, see func(o *unstructured.Unstructured, deleted bool) bool) error {
	return watchListed(ctx, client, options, func() {}, see)
}

// watchListed is WatchAll, which also calls listed each time that all objects of a list have been passed to see.
func watchListed(ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions, listed func(), see func(o *unstructured.Unstructured, deleted bool) bool) error {
	known := map[types.UID]*unstructured.Unstructured{}
	return ListAndWatch(ctx, client, options, func(all []unstructured.Unstructured) bool {
		missed := maps.Clone(known)
		for i := range all {
			delete(missed, all[i].GetUID())
			known[all[i].GetUID()] = &all[i]
			if !see(&all[i], false) {
				return false
			}
		}
		for uid, o := range missed {
			delete(known, uid)
			if !see(o, true) {
				return false
			}
		}
		listed()
		return true
	}, func(o *unstructured.Unstructured, deleted bool) bool {
		known[o.GetUID()] = o
		if deleted {
			delete(known, o.GetUID())
		}
		return see(o, deleted)
	})
}

// watchTimeout is how long the server keeps one watch open. The objects are then listed again: a server that has just
// started to serve a kind can miss an object in its list and in the watch after it.
const watchTimeout = time.Minute

// ListAndWatch lists the objects that the options select, and then watches them, until one of the functions returns
// false. It lists them again after a lost connection, and once in a while. The errors are those of WatchObject.
func ListAndWatch(ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions, listed func([]unstructured.Unstructured) bool, changed func(o *unstructured.Unstructured, deleted bool) bool) error {
	first := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 10 * time.Second}
	backoff := first
	seconds := int64(watchTimeout / time.Second)
	for {
		began := time.Now()
		options.ResourceVersion, options.TimeoutSeconds = "", nil
		list, err := client.List(ctx, options)
		if err == nil {
			if !listed(list.Items) {
				return nil
			}
			options.ResourceVersion, options.TimeoutSeconds = list.GetResourceVersion(), &seconds
			var events watch.Interface
			events, err = client.Watch(ctx, options)
			if err == nil {
				done := readEvents(ctx, events, changed)
				events.Stop()
				if done {
					return nil
				}
			}
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !Temporary(err):
			return err
		case err == nil && time.Since(began) >= watchTimeout/2:
			backoff = first // the watch has worked
			continue
		}
		if err := retry.Pause(ctx, backoff.Step()); err != nil {
			return err
		}
	}
}

// readEvents passes on the changes until the watch ends; true when changed has returned false.
func readEvents(ctx context.Context, events watch.Interface, changed func(o *unstructured.Unstructured, deleted bool) bool) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case event, open := <-events.ResultChan():
			if !open || event.Type == watch.Error {
				return false
			}
			o, ok := event.Object.(*unstructured.Unstructured)
			if !ok || event.Type == watch.Bookmark {
				continue
			}
			if !changed(o, event.Type == watch.Deleted) {
				return true
			}
		}
	}
}

// PollInterval is the time between requests for objects that may not be watched; Helm uses the same.
const PollInterval = 2 * time.Second

// PollObjects calls see with the objects of those names, nil for one that does not exist, again and again until see
// returns false. It is for users with the right to get objects, which is all that Helm needs, but not to watch them. It
// returns nil then, and ctx's cause when ctx ends. It returns refused, the reason why the objects are not watched, when
// the user may not get them either, and the server's error when it refuses the request.
func PollObjects(ctx context.Context, client dynamic.ResourceInterface, names []string, refused error, see func(name string, o *unstructured.Unstructured) bool) error {
	for {
		for _, name := range names {
			o, err := client.Get(ctx, name, metav1.GetOptions{})
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case apierrors.IsNotFound(err):
				o = nil
			case apierrors.IsForbidden(err):
				return refused
			case err != nil && !Temporary(err):
				return err
			case err != nil:
				continue
			}
			if !see(name, o) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(PollInterval):
		}
	}
}

// Temporary reports whether another request may help: not when the server understood the request and refused it, or
// when a context has ended.
func Temporary(err error) bool {
	return !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) && !apierrors.IsNotFound(err) &&
		!apierrors.IsBadRequest(err) && !apierrors.IsMethodNotSupported(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
