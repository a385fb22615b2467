package ready

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// TestPollUntilDeleted: objects that may not be watched are requested until they are deleted, or are others of the same
// name; the answers come in turn, the last again and again: a UID, or an error.
func TestPollUntilDeleted(t *testing.T) {
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	refused, late := errors.New("may not be watched"), errors.New("too late")
	missing := apierrors.NewNotFound(resource.GroupResource(), "x")
	for name, c := range map[string]struct {
		answers []any
		known   types.UID
		want    error
		took    time.Duration
		left    int
	}{
		"gone at once":                  {[]any{missing}, "", nil, 0, 0},
		"gone later":                    {[]any{"1", "1", missing}, "", nil, 2 * kube.PollInterval, 0},
		"made anew meanwhile":           {[]any{"1", "2"}, "", nil, kube.PollInterval, 0},
		"made anew since the list":      {[]any{"2"}, "1", nil, 0, 0},
		"the server was away":           {[]any{apierrors.NewServiceUnavailable("away"), missing}, "", nil, kube.PollInterval, 0},
		"it may not be got either":      {[]any{apierrors.NewForbidden(resource.GroupResource(), "x", nil)}, "", refused, 0, 0},
		"the credentials have run out":  {[]any{"1", apierrors.NewUnauthorized("expired")}, "", apierrors.NewUnauthorized("expired"), kube.PollInterval, 1},
		"it stays until the time is up": {[]any{"1"}, "", late, time.Minute, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fake.NewSimpleDynamicClient(runtime.NewScheme())
				client.PrependReactor("get", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
					answer := c.answers[0]
					c.answers = c.answers[min(1, len(c.answers)-1):]
					if err, failed := answer.(error); failed {
						return true, nil, err
					}
					return true, configMap(types.UID(answer.(string))), nil
				})
				left := map[types.UID]*unstructured.Unstructured{}
				if c.known != "" {
					left[c.known] = configMap(c.known)
				}
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, late)
				defer cancel()
				began := time.Now()
				err := pollUntilDeleted(ctx, client.Resource(resource).Namespace("ns"), map[string]types.UID{"x": ""}, refused, left)
				if (err == nil) != (c.want == nil) || err != nil && err.Error() != c.want.Error() {
					t.Errorf("error %v, want %v", err, c.want)
				}
				if diff := cmp.Diff(c.took, time.Since(began)); diff != "" {
					t.Errorf("took (-want +got):\n%s", diff)
				}
				if len(left) != c.left {
					t.Errorf("%d are left, want %d", len(left), c.left)
				}
			})
		})
	}
}

func configMap(uid types.UID) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("v1")
	o.SetKind("ConfigMap")
	o.SetName("x")
	o.SetNamespace("ns")
	o.SetUID(uid)
	return o
}

// TestDeletedByUID: another object of the same name is not waited for.
func TestDeletedByUID(t *testing.T) {
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	client := fake.NewSimpleDynamicClient(runtime.NewScheme(), configMap("2"))
	for uid, want := range map[types.UID][]Deleted{
		"":  {{Resource: resource, Namespace: "ns", Name: "x", UID: "2"}},
		"1": nil,
		"2": {{Resource: resource, Namespace: "ns", Name: "x", UID: "2"}},
	} {
		left, err := existing(t.Context(), client, []Deleted{{Resource: resource, Namespace: "ns", Name: "x", UID: uid}})
		if diff := cmp.Diff(want, left); diff != "" || err != nil {
			t.Errorf("%q: error %v (-want +got):\n%s", uid, err, diff)
		}
	}
}

// TestNotAnswered: an object counts as existing when the time is over before its GET is answered.
func TestNotAnswered(t *testing.T) {
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	client := fake.NewSimpleDynamicClient(runtime.NewScheme())
	ctx, cancel := context.WithCancel(t.Context())
	client.PrependReactor("get", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		cancel()
		return true, nil, context.DeadlineExceeded
	})
	left, err := existing(ctx, client, []Deleted{{Resource: resource, Namespace: "ns", Name: "x"}})
	if err != nil || len(left) != 1 {
		t.Errorf("%v are there, error %v", left, err)
	}
}
