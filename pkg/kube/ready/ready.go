package ready

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Waiter waits for the objects of a cluster.
type Waiter struct{ Client *kube.Client }

// DefaultGrace is the default of Options.Grace.
const DefaultGrace = 2 * time.Minute

// Options are how a wait for objects to become ready works.
type Options struct {
	// Timeout limits the wait.
	Timeout time.Duration
	// Jobs makes the wait include Jobs, until they are complete.
	Jobs bool
	// Grace is how long a pod may be blocked by a reason that rarely ends without a change, such as an image that cannot
	// be pulled, before the wait fails. 0 waits for the whole timeout.
	Grace time.Duration
	// Unschedulable applies Grace to pods that no node takes, too. Without it the wait continues, because a cluster
	// autoscaler may add a node.
	Unschedulable bool
	// Rules replace the usual rules, by group and kind. A nil rule excludes a kind from the wait.
	Rules map[schema.GroupKind]Rule
	// Progress is called from time to time with the objects that are not ready; may be nil.
	Progress func(all int, unready []Unready)
	// Note is called with a line about each object that is excluded from the wait; may be nil.
	Note func(string)
}

// Unready is an object that is not ready.
type Unready struct {
	// Object is such as "deployment/web".
	Object string
	// Reason is why it is not ready.
	Reason string
	// For is the duration of the wait so far.
	For time.Duration
}

// String returns the object and the reason, such as "deployment/web: Available: 0/2".
func (u Unready) String() string { return u.Object + ": " + u.Reason }

// NotReadyError means that objects did not become ready.
type NotReadyError struct {
	// Objects are sentences such as "deployment/web: Available: 0/2", sorted.
	Objects []string
	// Waited is the duration of the wait; 0 when a longer wait would not have helped.
	Waited time.Duration
}

// Error returns every object with the reason.
func (e *NotReadyError) Error() string {
	list := strings.Join(e.Objects, "; ")
	if e.Waited == 0 {
		return "will not become ready: " + list
	}
	return fmt.Sprintf("not ready after %s: %s", e.Waited, list)
}

// WaitReady returns nil as soon as the objects are ready, of the kinds that become ready. It opens one watch per kind
// and namespace. The error is a *NotReadyError when the time is over or an object has failed, ctx's cause when ctx is
// cancelled, and the server's error when it refuses the requests.
func (r Waiter) WaitReady(ctx context.Context, objects []*unstructured.Unstructured, how Options) error {
	w := newReadyWait(r.Client, how)
	for _, o := range objects {
		if err := w.add(o); err != nil {
			return err
		}
	}
	return w.run(ctx)
}

// WaitObject returns nil as soon as the object, given as KIND/NAME with any of kubectl's names for the kind, exists and
// is ready. The errors are those of WaitReady, and that of a kind which the cluster does not have.
func (r Waiter) WaitObject(ctx context.Context, namespace, object string, how Options) error {
	o, resource, err := r.Client.Named(namespace, object)
	if err != nil {
		return err
	}
	w := newReadyWait(r.Client, how)
	w.expect(place{resource, o.GetNamespace()}, o, how.ruleOf(o))
	return w.run(ctx)
}

// AwaitOneReady returns nil as soon as a pod of the workload, given as KIND/NAME, is ready. The error is ctx's cause,
// or the server's.
func (r Waiter) AwaitOneReady(ctx context.Context, namespace, target string) error {
	o, resource, err := r.Client.Named(namespace, target)
	if err != nil {
		return err
	}
	client, err := r.Client.Resource(resource, namespace)
	if err != nil {
		return err
	}
	field := "readyReplicas"
	if o.GetKind() == "DaemonSet" {
		field = "numberReady"
	}
	return kube.WatchObject(ctx, client, o.GetName(), func(live *unstructured.Unstructured) bool {
		if live == nil {
			return true
		}
		ready, _, _ := unstructured.NestedInt64(live.Object, "status", field)
		return ready == 0
	})
}
