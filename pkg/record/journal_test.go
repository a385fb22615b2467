package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// place is a store whose server fails on request.
type place struct {
	mu   sync.Mutex
	data map[string]map[string][]byte
	at   map[string]int
	puts int
	// answers are the results of the next calls of Put. After errLost the write is done, and its answer is lost.
	answers []error
	takes   time.Duration
}

var errLost = errors.New("connection reset by peer")

func (p *place) Put(_ context.Context, run *Stored) error {
	<-time.After(p.takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.puts++
	var answer error
	if len(p.answers) > 0 {
		answer, p.answers = p.answers[0], p.answers[1:]
	}
	if answer != nil && !errors.Is(answer, errLost) {
		return answer
	}
	now := ""
	if p.at[run.ID] > 0 {
		now = fmt.Sprint(p.at[run.ID])
	}
	if now != run.version {
		return errConflict
	}
	data, err := encodeStored(run)
	if err != nil {
		return err
	}
	if p.data == nil {
		p.data, p.at = map[string]map[string][]byte{}, map[string]int{}
	}
	p.data[run.ID] = data
	p.at[run.ID]++
	if answer == nil {
		run.version = fmt.Sprint(p.at[run.ID])
	}
	return answer
}

func (p *place) Get(_ context.Context, id string) (*Stored, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.data[id] == nil {
		return nil, ErrNoRun
	}
	run, err := decodeStored(p.data[id])
	if err == nil {
		run.version = fmt.Sprint(p.at[id])
	}
	return run, err
}

func (p *place) Each(context.Context, string, func(*Run)) ([]Unreadable, error) { return nil, nil }
func (p *place) Delete(context.Context, string) error                           { return nil }
func (p *place) WaitChanged(context.Context, *Stored, time.Duration) error      { return nil }
func (p *place) states(t *testing.T) string {
	t.Helper()
	run, err := p.Get(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range run.Steps {
		text := fmt.Sprintf("%s/%d %s", s.ID, s.Attempt, s.State)
		for _, m := range s.Created {
			text += " " + m.Name
		}
		all = append(all, strings.TrimSpace(text))
	}
	return strings.Join(all, ", ")
}

func attempt(id string, n int) engine.Attempt {
	return engine.Attempt{Step: plan.Step{ID: id, Kind: plan.Task}, Number: n}
}

func ending(id string, state task.State) engine.StepResult {
	return engine.StepResult{Step: plan.Step{ID: id, Kind: plan.Task}, Result: task.Result{State: state}}
}

func begun(t *testing.T, p Store, steps ...string) *Journal {
	t.Helper()
	run := Run{ID: "r", Namespace: "ns", Owner: lock.Owner{Name: "me", PID: 1}}
	for _, s := range steps {
		run.Steps = append(run.Steps, Step{ID: s, Kind: "task"})
	}
	j, err := Begin(t.Context(), p, run, nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestJournal: the record has each start before the attempt, each result after it, and the created objects in between;
// also when answers of the server are lost, and when it is unreachable for a while.
func TestJournal(t *testing.T) {
	unavailable := apierrors.NewServiceUnavailable("later")
	for name, answers := range map[string][]error{
		"no fault":          nil,
		"answers are lost":  {nil, errLost, errLost, nil, errLost},
		"out of reach":      {nil, unavailable, unavailable, errors.New("connection refused"), unavailable},
		"lost and no reach": {nil, errLost, unavailable, errLost, unavailable, errLost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &place{answers: answers}
				j := begun(t, p, "a", "b")
				for _, tt := range []struct {
					do   func() error
					want string
				}{
					{func() error { return j.Before(t.Context(), attempt("a", 1)) }, "a/1, b/0"},
					{func() error { return j.Created("a", task.Object{Kind: "Pod", Name: "p1"}) }, "a/1  p1, b/0"},
					{func() error { return j.Retried(attempt("a", 1), task.Result{State: task.Failed}) }, "a/1 Failed p1, b/0"},
					{func() error { return j.Before(t.Context(), attempt("a", 2)) }, "a/2, b/0"},
					{func() error { return j.After(ending("a", task.Succeeded)) }, "a/2 Succeeded, b/0"},
					{func() error { return j.Before(t.Context(), attempt("b", 1)) }, "a/2 Succeeded, b/1"},
					{func() error { return j.After(ending("b", task.Unknown)) }, "a/2 Succeeded, b/1 Unknown"},
				} {
					if err := tt.do(); err != nil {
						t.Fatal(err)
					}
					if got := p.states(t); got != tt.want {
						t.Errorf("%s, want %s", got, tt.want)
					}
				}
			})
		})
	}
}

// TestJournalTakenOver: a process whose run another one has taken over writes nothing more, and gets an error before
// each side effect.
func TestJournalTakenOver(t *testing.T) {
	p := &place{}
	old := begun(t, p, "a", "b")
	if err := old.Before(t.Context(), attempt("a", 1)); err != nil {
		t.Fatal(err)
	}
	run, err := p.Get(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Resume(t.Context(), p, run, run.Steps, lock.Owner{Name: "other", PID: 2}, nil); err != nil {
		t.Fatal(err)
	}
	before := p.states(t)
	if err := old.After(ending("a", task.Succeeded)); !errors.Is(err, ErrTakenOver) {
		t.Errorf("error %v", err)
	}
	if err := old.Before(t.Context(), attempt("b", 1)); !errors.Is(err, ErrTakenOver) || p.states(t) != before {
		t.Errorf("error %v, the record has %s, and had %s", err, p.states(t), before)
	}
	if _, err := Resume(t.Context(), p, run, run.Steps, lock.Owner{Name: "third", PID: 3}, nil); err != nil {
		t.Errorf("the new owner's record cannot be taken over: %v", err)
	}
}

// TestJournalRefuses: no attempt starts when the lock was lost, or when the record cannot be written.
func TestJournalRefuses(t *testing.T) {
	lost := errors.New("the lock was lost")
	p := &place{}
	j, err := Begin(t.Context(), p, Run{ID: "r"}, func(context.Context) error { return lost })
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Before(t.Context(), attempt("a", 1)); !errors.Is(err, lost) || p.puts != 1 {
		t.Errorf("error %v, %d writes", err, p.puts)
	}
	p = &place{answers: []error{nil, apierrors.NewForbidden(corev1.Resource("secrets"), "x", errors.New("no right"))}}
	if err := begun(t, p).Before(t.Context(), attempt("a", 1)); !apierrors.IsForbidden(err) {
		t.Errorf("error %v", err)
	}
}

// TestJournalStopped: when the run is stopped while the record cannot be written, no attempt starts any more, and the
// last writes are given up soon.
func TestJournalStopped(t *testing.T) {
	for name, allowed := range map[string]func(context.Context) error{
		"writes fail": nil,
		"the lock cannot be confirmed": func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &place{}
				ctx, cancel := context.WithCancelCause(t.Context())
				stopped := errors.New("stopped by interrupt")
				j, err := Begin(ctx, p, Run{ID: "r"}, allowed)
				if err != nil {
					t.Fatal(err)
				}
				for range 1000 {
					p.answers = append(p.answers, apierrors.NewServiceUnavailable("later"))
				}
				began := time.Now()
				time.AfterFunc(3*time.Second, func() { cancel(stopped) })
				var group sync.WaitGroup
				for _, id := range []string{"a", "b"} { // one writes, the other waits for it
					group.Go(func() {
						if err := j.Before(ctx, attempt(id, 1)); err == nil || time.Since(began) > 4*time.Second {
							t.Errorf("%s: error %v after %s", id, err, time.Since(began))
						}
					})
				}
				group.Wait()
				if err := j.Before(ctx, attempt("c", 1)); !errors.Is(err, stopped) || j.run.step("c") != nil {
					t.Errorf("error %v", err)
				}
				began = time.Now()
				if err := j.End(engine.Result{End: time.Now()}, 0, 130, false); err == nil || time.Since(began) > stopTimeout+time.Second {
					t.Errorf("error %v after %s", err, time.Since(began))
				}
			})
		})
	}
}

// TestJournalTogether: changes during a write are written together, and none is lost.
func TestJournalTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{takes: 10 * time.Millisecond}
		var ids []string
		for i := range 50 {
			ids = append(ids, fmt.Sprint(i))
		}
		j := begun(t, p, ids...)
		var group sync.WaitGroup
		for _, id := range ids {
			group.Go(func() {
				if err := errors.Join(j.Before(t.Context(), attempt(id, 1)), j.After(ending(id, task.Succeeded))); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := strings.Count(p.states(t), "Succeeded"); n != 50 || p.puts > 6 {
			t.Errorf("%d of 50 recorded in %d writes", n, p.puts)
		}
	})
}

// TestJournalSize: a record stays small enough for a Secret, and never loses the result of a step.
func TestJournalSize(t *testing.T) {
	p := &place{}
	var ids []string
	const steps = 60
	for i := range steps {
		ids = append(ids, fmt.Sprint("task-", i))
	}
	j := begun(t, p, ids...)
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // a test has to be repeatable
	noise := func() []byte {
		text := make([]byte, 70<<10)
		for i := range text {
			text[i] = byte('!' + random.IntN(90))
		}
		return text
	}
	var group sync.WaitGroup
	for i, id := range ids {
		if i%20 == 19 {
			j.Emit(engine.StepOutput{Step: plan.Step{ID: id}, Output: task.Output{Data: noise()}})
		}
		result := ending(id, task.Succeeded)
		result.Message = string(noise()[:20<<10])
		group.Go(func() {
			if err := j.After(result); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	run, err := p.Get(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, part := range p.data["r"] {
		size += len(part)
	}
	if n := strings.Count(p.states(t), "Succeeded"); n != steps || size > maxBytes || !run.Compacted {
		t.Errorf("%d of %d ends in %d bytes, compacted %v", n, steps, size, run.Compacted)
	}
	if log, err := run.Log("task-59"); err != nil || !bytes.Contains(log, []byte("bytes omitted")) || len(log) > maxLog+100 {
		t.Errorf("the newest log has %d bytes, error %v", len(log), err)
	}
}
