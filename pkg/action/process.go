package action

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/cluster"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/ledger"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
)

// process is one run from its plan to its end, the part that all actions share:
//
//	lock and record → run → close
//
// An action fills it while it finds, parses, plans and checks (Operation.prepare, Run.prepare).
type process struct {
	*Request

	id string
	// change is Helm's part, and rendered returns the objects that it is going to apply, rendered once; nil without Helm.
	change   release.Change
	rendered func() ([]*unstructured.Unstructured, error)
	tasks    taskSet
	plan     plan.Plan
	steps    *runner.Steps
	// hooks runs the chart's hooks; nil without Helm.
	hooks  *helm.Hooks
	engine engine.Engine
	// ledger is the journal of the release's ledger; nil if the run writes nothing to it.
	ledger engine.Journal
	locks  *lockSet
	// opening is the first version of the record; nil if the run is neither locked nor recorded.
	opening *opening
	// forget is called after a run that succeeded, before its lock is released; nil when there is nothing to do.
	forget func(context.Context)
}

// execute runs the plan. settle turns the results of the steps into the result and the error of the run, which are
// recorded and returned. The result is nil when the run could not begin.
func (p *process) execute(ctx context.Context, settle func(ctx context.Context, result engine.Result, shown Presentation) (*Result, error)) (*Result, error) {
	var shown Presentation
	var err error
	if p.Present != nil {
		if shown, err = p.Present(p.id, p.plan); err != nil {
			return nil, err
		}
	}
	if shown.Close != nil {
		defer shown.Close()
	}
	s := &session{opening: opening{record: RecordOptions{Place: RecordNone}}, config: p.Config, locks: p.locks, resume: p.Resume}
	if p.opening != nil {
		s.opening = *p.opening
	}
	if ctx, err = s.open(ctx); err != nil {
		return nil, err
	}
	defer s.close()
	p.recordSteps(s)
	if p.hooks != nil {
		p.hooks.Emit = shown.EmitHook
	}
	e := s.engine(p.engine, p.ledger)
	e.Emit, e.Data = s.emit(shown.Emit), shown.Data
	result := e.Run(ctx, p.plan)
	p.steps.Close(p.Config.note)
	if journal, ok := p.ledger.(ledger.Journal); ok {
		if err := journal.Close(); err != nil {
			p.Config.note(err.Error())
		}
	}
	done, end := settle(ctx, result, shown)
	s.end(result, done.Revision, done.ExitCode, done.RolledBack)
	done.Closing = append(done.Closing, s.hints(end, result)...)
	if end == nil && p.forget != nil {
		p.forget(ctx)
	}
	return done, end
}

// recordSteps makes the steps record the objects that they create and scale up, and passes them those of earlier processes
// of the run.
func (p *process) recordSteps(s *session) {
	steps := p.steps
	steps.ScaledUp.Cluster, steps.ScaledUp.Namespace, steps.ScaledUp.Timeout = cluster.Of(steps.Client), steps.Release.Namespace, steps.Readiness.Timeout
	if s.journal != nil {
		steps.Created, steps.ScaledUp.BeforeUp = s.journal.Created, s.journal.ScaledUp
		steps.ScaledUp.AfterDown = func(target string) { _ = s.journal.ScaledDown(target) } // the journal reports its own failures
	}
	if p.Resume != nil {
		steps.PriorCreated = p.Resume.created
		for _, w := range p.Resume.Run.ScaledUp {
			steps.ScaledUp.Add(w.Target, w.UID, w.Replicas)
		}
	}
}

// runID returns the identifier of the run: that of the run to resume, or a new one that sorts by time.
func (r *Request) runID() string {
	if r.Resume != nil {
		return r.Resume.Run.ID
	}
	return newRunID(r.Config.Now())
}

// newRunID returns an identifier that sorts by time.
func newRunID(start time.Time) string {
	var random [3]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return fmt.Sprintf("%s-%x", start.UTC().Format("20060102-150405"), random)
}
