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

// WatchObject hands each state of the object of that name to see, as it comes, and nil while
// there is none, until see returns false. Otherwise it returns ctx's cause, or the server's error
// when it refuses to be asked.
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

// WatchAll is WatchObject for all objects that the options select. see is told of each that is
// gone with true.
func WatchAll(ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions, see func(o *unstructured.Unstructured, gone bool) bool) error {
	return watchListed(ctx, client, options, func() {}, see)
}

// watchListed is WatchAll. listed is called each time that all objects of a list have been handed on.
func watchListed(ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions, listed func(), see func(o *unstructured.Unstructured, gone bool) bool) error {
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

// ListAndWatch lists the objects that the options select, and then tells of each change, until one of
// the functions returns false. A connection that is lost is made again, with a new list.
func ListAndWatch(ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions, listed func([]unstructured.Unstructured) bool, changed func(o *unstructured.Unstructured, deleted bool) bool) error {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 10 * time.Second}
	for {
		options.ResourceVersion = ""
		list, err := client.List(ctx, options)
		if err == nil {
			if !listed(list.Items) {
				return nil
			}
			options.ResourceVersion = list.GetResourceVersion()
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
		}
		if err := retry.Pause(ctx, backoff.Step()); err != nil {
			return err
		}
	}
}

// readEvents hands the changes on; true when nobody wants more.
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

// PollInterval is how often objects are asked for that may not be watched: as often as Helm asks.
const PollInterval = 2 * time.Second

// PollObjects hands the objects of those names to see, nil for one that is not there, again and again until see returns
// false: for whoever may get them, which is all that Helm needs, but not watch them. It returns nil then, ctx's
// cause when ctx ends, refused, which says why they are not watched, when they may not be got either, and the
// server's error when asking again would not help.
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

// Temporary reports whether asking again may help: it does not when the server understood the
// request and refused it.
func Temporary(err error) bool {
	return !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) && !apierrors.IsNotFound(err) &&
		!apierrors.IsBadRequest(err) && !apierrors.IsMethodNotSupported(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
