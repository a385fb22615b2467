package runner

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/cluster"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/approve"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/service"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// StopGrace is the time between the signal that stops a task and the one that kills it.
const StopGrace = 5 * time.Second

// podStuckTimeout is how long a pod may be in a state such as ImagePullBackOff before its task fails.
const podStuckTimeout = 15 * time.Second

// Steps is the engine's runner of one run. The fields are set before the run; a field that no step of the plan needs
// may be empty.
type Steps struct {
	Client *kube.Client
	// RunID, Operation and Release are those of the run. Release is empty, except for its namespace, when the run has
	// none.
	RunID     string
	Operation task.Operation
	Release   plan.Release
	// Env is the environment of host tasks, as NAME=VALUE.
	Env []string
	// Helm runs Helm's steps; nil when the plan has none.
	Helm *helm.Steps
	// Rendered returns the objects that Helm is going to apply; nil when it applies none.
	Rendered func() ([]*unstructured.Unstructured, error)
	// Objects returns those of the release's newest revision.
	Objects func() ([]*unstructured.Unstructured, error)
	// Readiness is how steps wait for objects, including the time limit.
	Readiness ready.Options
	// Approve asks the user at the terminal.
	Approve approve.Runner
	// Images are the runner images of functions.
	Images map[task.Runtime]string

	// Created records what an attempt creates, or where it runs, and may forbid it; nil when the run is not recorded.
	Created func(step string, objects ...task.Object) error
	// PriorCreated returns what an earlier process of the run has recorded for a step; nil when there was none.
	PriorCreated func(step string) []task.Object
	// ScaledUp scales workloads up for tasks, and down again.
	ScaledUp service.ScaledUp

	// recording are the calls of Created that run in parallel with tasks.
	recording sync.WaitGroup
	secrets   secretsInUse
}

// cluster returns the client with the methods that the runners need.
func (s *Steps) cluster() cluster.Cluster { return cluster.Of(s.Client) }

// Run implements engine.Runner.
func (s *Steps) Run(ctx context.Context, a engine.Attempt, sink task.Sink) task.Result {
	failpoint.Point("before " + a.ID)
	defer failpoint.Point("after " + a.ID)
	switch a.Kind {
	case plan.Apply, plan.Delete:
		if !s.Helm.AlreadyApplied {
			s.ScaledUp.ScaleDown(context.Background(), func(text string) { sink(task.Output{Stream: task.Note, Data: []byte(text + "\n")}) })
		}
		return s.Helm.Run(ctx, a)
	case plan.RollBack, plan.Finish:
		return s.Helm.Run(ctx, a)
	case plan.Ready:
		return s.awaitRelease(ctx)
	case plan.Object:
		return s.awaitObject(ctx, a.Step)
	case plan.Task:
	}
	return s.task(ctx, a, sink)
}

// Close ends a run: it waits for Helm and for the record, and scales back to zero what tasks have scaled up. note
// takes a line for the user for each workload.
func (s *Steps) Close(note func(string)) {
	if s.Helm != nil {
		s.Helm.Close()
	}
	s.ScaledUp.ScaleDown(context.Background(), note)
	s.recording.Wait()
}

// task runs an attempt of a task with the runner of its executor.
func (s *Steps) task(ctx context.Context, a engine.Attempt, sink task.Sink) task.Result {
	executor, known := Of(a.Task.Executor)
	if a.Resumed {
		if result, decided := s.reattach(ctx, executor, a, sink); decided {
			return result
		}
	}
	if !known {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("no runner for %T", a.Task.Executor)}
	}
	return executor.New(s, a, sink).Run(ctx, *a.Task, sink)
}

// Pods returns the runner of an attempt in pods of its own.
func (s *Steps) Pods(a engine.Attempt, sink task.Sink) pod.Runner {
	return pod.Runner{
		Cluster: s.Client, Namespace: s.Release.Namespace, Release: a.Release.Name, Grace: StopGrace, StuckTimeout: podStuckTimeout,
		ID: pod.Identity{Run: s.RunID, Step: a.ID, Attempt: a.Number}, Created: func(o task.Object) { s.record(a, o) }, MaskSecrets: s.maskSecrets(a, sink),
	}
}

// record adds what an attempt has created to the record. It runs in parallel with the task, whose object has a name
// that later processes can derive without the record.
func (s *Steps) record(a engine.Attempt, o task.Object) {
	if s.Created == nil || a.Resumed {
		return
	}
	s.recording.Go(func() { _ = s.Created(a.ID, o) }) // the journal reports its own failures
}
