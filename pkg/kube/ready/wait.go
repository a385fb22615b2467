package ready

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

const (
	// statusAppears is how long the first status of a custom resource may take to appear.
	statusAppears = 2 * time.Second
	// progressInterval is the time between two reports of what is not ready, when that has changed. The same is
	// reported again after progressRepeat, and then less and less often, down to once in progressMaxRepeat.
	progressInterval, progressRepeat, progressMaxRepeat = 5 * time.Second, 10 * time.Second, time.Minute
)

// The causes that end a wait.
var (
	errAllReady = errors.New("all are ready")
	errTimeout  = errors.New("timeout")
	errFailed   = errors.New("an object failed")
)

// place is where a watch finds objects of one kind.
type place struct {
	resource  schema.GroupVersionResource
	namespace string
}

// readyWait is one wait for objects. All watches report to see, which takes constant time.
type readyWait struct {
	client *kube.Client
	how    Options
	began  time.Time
	places map[place]map[string]*awaited

	mu sync.Mutex
	// left counts the objects that are not ready, unknown those among them with the verdict Unknown.
	left, unknown int
	// settled reports that statusAppears is over.
	settled bool
	finish  context.CancelCauseFunc
}

// awaited is an object of the wait.
type awaited struct {
	object  *unstructured.Unstructured
	rule    Rule
	verdict Verdict
	reason  string
	// live is the last seen state; nil before the first.
	live *unstructured.Unstructured
	// uid is that of the object that was applied or, when that is unknown, seen last.
	uid types.UID
	// seen reports that a state was seen, ended that it is a Job or a Pod that has ended. What happens to it after
	// that, such as a deletion by its TTL, does not matter.
	seen, ended bool
	// priorFailure is the failure that it reported before the wait; see failureOf.
	priorFailure any
	// highest are the highest numbers that its status had, by field.
	highest map[string]int64
	// blockers are those of its pods, by pod; newestPod is the creation time of the newest pod that was seen.
	blockers  map[string]blocker
	newestPod time.Time
	// newest is the name of the ReplicaSet of the newest revision, with that revision. Only the watch of the pods uses
	// it.
	newest string
}

// newReadyWait returns a wait without objects.
func newReadyWait(c *kube.Client, how Options) *readyWait {
	return &readyWait{client: c, how: how, began: time.Now(), places: map[place]map[string]*awaited{}}
}

// add adds an object to the wait, if its kind becomes ready.
func (w *readyWait) add(o *unstructured.Unstructured) error {
	kind := o.GroupVersionKind().GroupKind()
	rule, hasRule := w.how.Rules[kind]
	known := rules[kind]
	switch {
	case o.GetAnnotations()[WaitAnnotation] == "false":
		w.note(fmt.Sprintf("%s is not waited for: its annotation %s says so", kube.Name(o), WaitAnnotation))
		return nil
	case hasRule && rule == nil:
		w.note(fmt.Sprintf("%s is not waited for: a rule says so", kube.Name(o)))
		return nil
	case hasRule:
	case !IsWaitedFor(o):
		return nil
	case known != nil && (kind.Kind != "Job" || w.how.Jobs):
		resource, _ := kube.ResourceOf(kind)
		resource.Version = o.GroupVersionKind().Version // the server has just accepted it
		w.expect(place{resource, namespaceOf(o)}, o, known)
		return nil
	case known != nil:
		return nil // a Job without Options.Jobs
	default:
		rule = customRule
	}
	mapping, err := w.client.Mapping(o.GroupVersionKind())
	if err != nil {
		return fmt.Errorf("%s: %w", kube.Name(o), err)
	}
	namespace := o.GetNamespace()
	if mapping.Scope.Name() != "namespace" {
		namespace = ""
	}
	w.expect(place{mapping.Resource, namespace}, o, rule)
	return nil
}

// namespaceOf returns the namespace of an object of a Kubernetes kind; empty when its kind is not namespaced.
func namespaceOf(o *unstructured.Unstructured) string {
	if kube.IsNamespaced(o.GroupVersionKind().GroupKind()) {
		return o.GetNamespace()
	}
	return ""
}

// expect adds an object with its rule to the wait.
func (w *readyWait) expect(p place, o *unstructured.Unstructured, rule Rule) {
	if w.places[p] == nil {
		w.places[p] = map[string]*awaited{}
	}
	if w.places[p][o.GetName()] == nil {
		w.left++
		w.places[p][o.GetName()] = &awaited{
			object: o, rule: rule, reason: "not seen yet", uid: o.GetUID(), highest: map[string]int64{}, blockers: map[string]blocker{},
		}
	}
}

// run waits; see Waiter.WaitReady.
func (w *readyWait) run(ctx context.Context) error {
	if w.left == 0 {
		return nil
	}
	client, err := w.client.Dynamic()
	if err != nil {
		return err
	}
	timed, cancel := context.WithTimeoutCause(ctx, w.how.Timeout, errTimeout)
	defer cancel()
	waiting, finish := context.WithCancelCause(timed)
	defer finish(nil)
	w.finish = finish
	defer time.AfterFunc(statusAppears, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.settled = true
		w.check()
	}).Stop()
	var parallel sync.WaitGroup
	parallel.Go(func() { w.reportProgress(waiting) })
	parallel.Go(func() { w.watchPods(waiting) })

	group, following := errgroup.WithContext(waiting)
	for p, names := range w.places {
		options := metav1.ListOptions{}
		if len(names) == 1 {
			for name := range names {
				options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
			}
		}
		group.Go(func() error {
			objects := client.Resource(p.resource).Namespace(p.namespace)
			err := kube.ListAndWatch(following, objects, options, func(all []unstructured.Unstructured) bool {
				w.list(p, all)
				return true
			}, func(o *unstructured.Unstructured, deleted bool) bool {
				if !deleted || o.GetKind() == "Job" { // its last state tells how it ended
					w.see(p, o.GetName(), o)
				}
				if deleted {
					w.see(p, o.GetName(), nil)
				}
				return true
			})
			if apierrors.IsForbidden(err) {
				return kube.PollObjects(following, objects, slices.Collect(maps.Keys(names)), err, func(name string, o *unstructured.Unstructured) bool {
					w.see(p, name, o)
					return true
				})
			}
			return err
		})
	}
	err = group.Wait()
	cause := context.Cause(waiting)
	finish(err)
	parallel.Wait()
	switch {
	case errors.Is(cause, errAllReady):
		w.noteUnknown()
		return nil
	case errors.Is(cause, errFailed):
		return &NotReadyError{Objects: w.messages(ctx)}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(cause, errTimeout):
		return &NotReadyError{Objects: w.messages(ctx), Waited: w.how.Timeout}
	}
	return err
}
