package ready

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Waiter waits for the objects of a cluster.
type Waiter struct{ Client *kube.Client }

// DefaultGrace is how long something that keeps a pod from starting may last before a wait gives up.
const DefaultGrace = 2 * time.Minute

// Options says how objects are waited for.
type Options struct {
	// Timeout is how long the wait may take.
	Timeout time.Duration
	// Jobs has Jobs be waited for, until they are complete.
	Jobs bool
	// Grace is how long something that hardly goes away by itself, such as an image that cannot be pulled, may
	// keep pods from starting; after it the wait gives up. 0 waits for the whole timeout.
	Grace time.Duration
	// Unschedulable has a pod that no node takes end the wait after Grace, too; without it such a pod is waited for,
	// as a cluster autoscaler may bring a node.
	Unschedulable bool
	// Rules judge objects in the place of what is usual, by group and kind; those whose rule is nil are not waited
	// for.
	Rules map[schema.GroupKind]Rule
	// Tell is told, now and then, of what is not ready yet; nil when nobody asks.
	Tell func(all int, unready []Unready)
	// Note is told of objects that are not waited for; nil when nobody asks.
	Note func(string)
}

// Unready is an object that is waited for.
type Unready struct {
	// Object is such as "deployment/web".
	Object string
	// Reason is why it is not ready.
	Reason string
	// For is how long it has been waited for.
	For time.Duration
}

// String returns what stands in a list, such as "deployment/web: Available: 0/2".
func (u Unready) String() string { return u.Object + ": " + u.Reason }

// NotReadyError tells which objects did not become ready, and why.
type NotReadyError struct {
	// Objects are sentences such as "deployment/web: Available: 0/2", sorted.
	Objects []string
	// Waited is how long they were waited for; 0 when waiting longer would not have helped.
	Waited time.Duration
}

// Error names every object and what it lacks.
func (e *NotReadyError) Error() string {
	list := strings.Join(e.Objects, "; ")
	if e.Waited == 0 {
		return "will not become ready: " + list
	}
	return fmt.Sprintf("not ready after %s: %s", e.Waited, list)
}

// WaitReady returns nil as soon as all of the objects are ready that can be: on one watch per kind and
// namespace, and only of the kinds that are among them. It returns a *NotReadyError when the time is over, or
// when an object reports that it has failed, ctx's cause when ctx is cancelled, and the server's error when it
// refuses to be asked.
func (r Waiter) WaitReady(ctx context.Context, objects []*unstructured.Unstructured, how Options) error {
	w := newReadyWait(r.Client, how)
	for _, o := range objects {
		if err := w.add(o); err != nil {
			return err
		}
	}
	return w.run(ctx)
}

// WaitObject returns nil as soon as the object, given as KIND/NAME with any of kubectl's names
// for the kind, is there and ready. The errors are those of WaitReady; a kind that the cluster does not have
// is one too.
func (r Waiter) WaitObject(ctx context.Context, namespace, object string, how Options) error {
	o, resource, err := r.Client.Named(namespace, object)
	if err != nil {
		return err
	}
	w := newReadyWait(r.Client, how)
	w.expect(place{resource, o.GetNamespace()}, o, how.ruleOf(o))
	return w.run(ctx)
}

// The causes that end a wait.
var (
	errAllReady = errors.New("all are ready")
	errTimeout  = errors.New("timeout")
	errFailed   = errors.New("an object failed")
)

// AwaitOneReady returns nil as soon as a pod of the workload, given as KIND/NAME, is ready. The error is ctx's cause, or
// the server's.
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
