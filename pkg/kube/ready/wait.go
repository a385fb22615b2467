package ready

import (
	"cmp"
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
	// statusAppears is how long the status of a custom resource may take to appear at all.
	statusAppears = 2 * time.Second
	// tellEvery is how often it is told what a wait waits for, when that has changed; what has not is told again
	// after tellAgain, and then more and more seldom, but tellLeast.
	tellEvery, tellAgain, tellLeast = 5 * time.Second, 10 * time.Second, time.Minute
)

// place is where objects of one kind are watched.
type place struct {
	resource  schema.GroupVersionResource
	namespace string
}

// readyWait is one wait for objects. What comes from the watches of all places goes through see, which
// takes constant time.
type readyWait struct {
	client *kube.Client
	how    Options
	began  time.Time
	places map[place]map[string]*awaited

	mu sync.Mutex
	// left counts the objects that are not ready, unsaid those among them about which nothing can be said.
	left, unsaid int
	// settled reports that the status of custom resources would have appeared.
	settled bool
	finish  context.CancelCauseFunc
}

// awaited is an object that is waited for.
type awaited struct {
	object  *unstructured.Unstructured
	rule    Rule
	verdict Verdict
	reason  string
	// live is the newest state that was seen; nil before the first.
	live *unstructured.Unstructured
	// uid is that of the object that was applied or, when that is not known, seen last.
	uid types.UID
	// seen reports that there was a state of it, ended that it is a Job or a Pod that has reached its end: what becomes
	// of it then, such as that its TTL removes it, does not matter.
	seen, ended bool
	// stood is what it said of a failure before the wait; see failureOf.
	stood any
	// most are the highest numbers that its status had, by their fields.
	most map[string]int64
	// blockers are what keeps its pods from starting, by whom that is about; made is when the newest of its pods was
	// made, as far as they were seen.
	blockers map[string]blocker
	made     time.Time
	// newest is the ReplicaSet that was seen to be of the newest revision, and that revision. Only the watch of
	// the pods touches it.
	newest string
}

func newReadyWait(c *kube.Client, how Options) *readyWait {
	return &readyWait{client: c, how: how, began: time.Now(), places: map[place]map[string]*awaited{}}
}

// add has an object be waited for, if it is of a kind that becomes ready.
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
		resource.Version = o.GroupVersionKind().Version // which the server has just taken
		w.expect(place{resource, scoped(o)}, o, known)
		return nil
	case known != nil:
		return nil // a Job, for which nobody asked
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

// scoped returns the namespace of an object of Kubernetes' own kinds.
func scoped(o *unstructured.Unstructured) string {
	if kube.IsNamespaced(o.GroupVersionKind().GroupKind()) {
		return o.GetNamespace()
	}
	return ""
}

func (w *readyWait) expect(p place, o *unstructured.Unstructured, rule Rule) {
	if w.places[p] == nil {
		w.places[p] = map[string]*awaited{}
	}
	if w.places[p][o.GetName()] == nil {
		w.left++
		w.places[p][o.GetName()] = &awaited{
			object: o, rule: rule, reason: "not seen yet", uid: o.GetUID(), most: map[string]int64{}, blockers: map[string]blocker{},
		}
	}
}

func (w *readyWait) note(text string) {
	if w.how.Note != nil {
		w.how.Note(text)
	}
}

// run waits; see Client.WaitReady.
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
	var beside sync.WaitGroup
	beside.Go(func() { w.tell(waiting) })
	beside.Go(func() { w.watchPods(waiting) })

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
			}, func(o *unstructured.Unstructured, gone bool) bool {
				if !gone || o.GetKind() == "Job" { // whose last state tells how it ended
					w.see(p, o.GetName(), o)
				}
				if gone {
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
	beside.Wait()
	switch {
	case errors.Is(cause, errAllReady):
		w.noteUnsaid()
		return nil
	case errors.Is(cause, errFailed):
		return &NotReadyError{Objects: w.sentences(ctx)}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(cause, errTimeout):
		return &NotReadyError{Objects: w.sentences(ctx), Waited: w.how.Timeout}
	}
	return err
}

// list takes all objects of a place.
func (w *readyWait) list(p place, all []unstructured.Unstructured) {
	w.mu.Lock()
	defer w.mu.Unlock()
	there := make(map[string]bool, len(all))
	for i := range all {
		there[all[i].GetName()] = true
		w.judge(w.places[p][all[i].GetName()], &all[i])
	}
	for name, a := range w.places[p] {
		if !there[name] {
			w.judge(a, nil)
		}
	}
	w.check()
}

// see takes a state of one object of a place; nil when it is not there.
func (w *readyWait) see(p place, name string, o *unstructured.Unstructured) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judge(w.places[p][name], o)
	w.check()
}

// judge takes a state of an object, nil when there is none. Objects that are not waited for are nil.
func (w *readyWait) judge(a *awaited, o *unstructured.Unstructured) {
	if a == nil {
		return
	}
	before := a.verdict
	a.live = o
	switch {
	case o == nil && a.ended:
		return
	case o == nil && a.seen:
		a.verdict, a.reason = NotYet, "it has been deleted"
	case o == nil:
		a.verdict, a.reason = NotYet, absent
	default:
		a.verdict, a.reason = w.judgeState(a, o)
		a.seen, a.uid, a.ended = true, o.GetUID(), a.verdict == Ready && ends(o)
	}
	if a.verdict == Failed {
		w.finish(errFailed)
	}
	if o != nil && o.GetKind() == "Deployment" {
		// The ReplicaSet, which is what is refused, is not watched.
		refused := ""
		if c := conditionOf(o, "ReplicaFailure"); c["status"] == "True" {
			refused = fmt.Sprint(c["message"])
		}
		w.blockLocked(a, noPod, refused, true)
	}
	w.recount(before, a.verdict)
}

// recount takes that the verdict on an object is another one.
func (w *readyWait) recount(before, now Verdict) {
	count := func(v Verdict, n int) {
		if v != Ready {
			w.left += n
		}
		if v == Nothing {
			w.unsaid += n
		}
	}
	count(before, -1)
	count(now, +1)
}

// check ends the wait when there is nothing more to wait for.
func (w *readyWait) check() {
	if w.left == 0 || w.settled && w.left == w.unsaid {
		w.finish(errAllReady)
	}
}

// noteUnsaid tells of the objects about which nothing could be said, and of what to know of the others.
func (w *readyWait) noteUnsaid() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var notes []string
	for _, names := range w.places {
		for _, a := range names {
			switch {
			case a.verdict == Nothing:
				notes = append(notes, fmt.Sprintf("%s is not waited for: %s", kube.Name(a.object), a.reason))
			case a.reason != "":
				notes = append(notes, kube.Name(a.object)+": "+a.reason)
			}
		}
	}
	slices.Sort(notes)
	for _, text := range notes {
		w.note(text)
	}
}

// unready returns what is not ready, sorted.
func (w *readyWait) unready() (all int, list []Unready) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, names := range w.places {
		all += len(names)
		for _, a := range names {
			if a.verdict == Ready || a.verdict == Nothing {
				continue
			}
			u := Unready{Object: kube.Name(a.object), Reason: a.reason, For: time.Since(w.began)}
			if why := a.why(); why != "" {
				u.Reason += " (" + why + ")"
			}
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b Unready) int { return cmp.Compare(a.Object, b.Object) })
	return all, list
}

// sentences are for a message after the wait is over: with what the pods of each object say themselves.
func (w *readyWait) sentences(ctx context.Context) []string {
	w.askPods(ctx)
	_, unready := w.unready()
	list := make([]string, len(unready))
	for i, u := range unready {
		list[i] = u.String()
	}
	return list
}

// tell tells now and then what is not ready yet.
func (w *readyWait) tell(ctx context.Context) {
	if w.how.Tell == nil {
		return
	}
	var told []string
	last, pause := time.Now(), tellAgain
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(tellEvery):
		}
		all, unready := w.unready()
		now := make([]string, len(unready))
		for i, u := range unready {
			now[i] = u.String()
		}
		same := slices.Equal(now, told)
		if len(now) == 0 || same && time.Since(last) < pause {
			continue
		}
		if pause = tellAgain; same {
			pause = min(2*time.Since(last), tellLeast)
		}
		told, last = now, time.Now()
		w.how.Tell(all, unready)
	}
}
