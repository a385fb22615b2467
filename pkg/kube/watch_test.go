package kube

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// forgetful is a server that has just started to serve a kind: the object is neither in its first list nor in the watch
// after it.
type forgetful struct {
	dynamic.ResourceInterface

	object *unstructured.Unstructured
	lists  int
}

func (f *forgetful) List(_ context.Context, options metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{}
	if f.lists++; f.lists > 1 && options.TimeoutSeconds == nil {
		list.Items = append(list.Items, *f.object)
	}
	return list, nil
}

func (f *forgetful) Watch(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	events := watch.NewFake()
	if options.TimeoutSeconds != nil {
		time.AfterFunc(time.Duration(*options.TimeoutSeconds)*time.Second, events.Stop)
	}
	return events, nil
}

// TestMissed: an object that a list and its watch have missed is found by the next list.
func TestMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		server := &forgetful{object: &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "after"}}}}
		began, missing := time.Now(), 0
		err := WatchObject(ctx, server, "after", func(o *unstructured.Unstructured) bool {
			if o == nil {
				missing++
			}
			return o == nil
		})
		if took := time.Since(began); err != nil || missing != 1 || took > watchTimeout+time.Second {
			t.Errorf("%v, missing %d times, after %s", err, missing, took)
		}
	})
}
