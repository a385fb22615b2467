package kube

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// followObject hands each state of the object of that name to see, as it comes, and nil while
// there is none, until see returns false. Otherwise it returns ctx's cause, or the server's error
// when it refuses to be asked.
func followObject(ctx context.Context, client dynamic.ResourceInterface, name string, see func(*unstructured.Unstructured) bool) error {
	only := fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	retry := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 10 * time.Second}
	for {
		list, err := client.List(ctx, metav1.ListOptions{FieldSelector: only})
		if err == nil {
			var found *unstructured.Unstructured
			if len(list.Items) > 0 {
				found = &list.Items[0]
			}
			if !see(found) {
				return nil
			}
			var events watch.Interface
			events, err = client.Watch(ctx, metav1.ListOptions{FieldSelector: only, ResourceVersion: list.GetResourceVersion()})
			if err == nil {
				done := followEvents(ctx, events, see)
				events.Stop()
				if done {
					return nil
				}
			}
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !temporary(err):
			return err
		}
		if err := pause(ctx, &retry); err != nil {
			return err
		}
	}
}

// followEvents hands the states to see; true when it is done with them.
func followEvents(ctx context.Context, events watch.Interface, see func(*unstructured.Unstructured) bool) bool {
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
			if event.Type == watch.Deleted {
				o = nil
			}
			if !see(o) {
				return true
			}
		}
	}
}
