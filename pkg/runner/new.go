package runner

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/advanced"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/clone"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/evaluation"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/function"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/host"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/service"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/sleep"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/standard"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/wait"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func newHost(s *Steps, a engine.Attempt, _ task.Sink) Runner {
	e := a.Task.Executor.(task.Host)
	// Of variables of the same name the last one counts.
	env := slices.Concat(s.Env, []string{"TASKS_PHASE=" + string(a.Phase)}, e.Env)
	return host.Runner{Env: env, Dir: e.Dir, Grace: StopGrace}
}

func newExec(s *Steps, a engine.Attempt, sink task.Sink) Runner {
	runner := s.execRunner(a, sink)
	runner.Use, runner.ScaleTimeout = s.use, s.Readiness.Timeout
	runner.Pods = func(ctx context.Context, e task.Exec) ([]corev1.Pod, error) { return s.pods(ctx, e, choice(a.Step, e)) }
	return runner
}

func newService(s *Steps, a engine.Attempt, sink task.Sink) Runner {
	return service.Runner{
		Cluster: s.cluster(), Exec: s.execRunner(a, sink), Namespace: s.Release.Namespace, Release: a.Release.Name,
		Installing: s.Operation == task.Install, ScaledUp: &s.ScaledUp,
	}
}

func newPod(s *Steps, a engine.Attempt, sink task.Sink) Runner { return s.Pods(a, sink) }

func newJob(s *Steps, a engine.Attempt, sink task.Sink) Runner { return s.jobs(a, sink) }

// jobs returns the runner of an attempt in a Job.
func (s *Steps) jobs(a engine.Attempt, sink task.Sink) job.Runner {
	return job.Runner{Cluster: s.cluster(), Pods: s.Pods(a, sink)}
}

func newFunction(s *Steps, a engine.Attempt, sink task.Sink) Runner {
	return function.Runner{Pods: s.Pods(a, sink), Images: s.Images}
}

func newClone(s *Steps, a engine.Attempt, sink task.Sink) Runner {
	runner := clone.Runner{Cluster: s.cluster(), Pods: s.Pods(a, sink)}
	if a.Stage == task.Before {
		runner.Rendered = s.Rendered
	}
	return runner
}

func newStandard(s *Steps, a engine.Attempt, sink task.Sink) Runner {
	return standard.Runner{Cluster: s.cluster(), Clones: clone.Runner{Cluster: s.cluster(), Pods: s.Pods(a, sink)}}
}

func newAdvanced(s *Steps, a engine.Attempt, sink task.Sink) Runner { return s.advanced(a, sink) }

// advanced returns the runner of an attempt of one of Lagoon's advanced tasks.
func (s *Steps) advanced(a engine.Attempt, sink task.Sink) advanced.Runner {
	return advanced.Runner{Cluster: s.cluster(), Pods: s.Pods(a, sink)}
}

func newKeptn(s *Steps, a engine.Attempt, sink task.Sink) Runner {
	runner := keptn.Runner{Cluster: s.cluster(), Namespace: s.Release.Namespace, Jobs: s.jobs(a, sink)}
	if a.Stage == task.Before {
		runner.Rendered = s.Rendered
	}
	return runner
}

func newEvaluation(s *Steps, _ engine.Attempt, _ task.Sink) Runner {
	return evaluation.Runner{Status: s.metricStatus, Query: s.askPrometheus}
}

func newWait(s *Steps, _ engine.Attempt, _ task.Sink) Runner {
	return wait.Runner{Namespace: s.Release.Namespace, WaitFor: s.cluster().WaitFor}
}

func newSleep(*Steps, engine.Attempt, task.Sink) Runner { return sleep.Runner{} }

func newApprove(s *Steps, _ engine.Attempt, _ task.Sink) Runner { return s.Approve }

// buildPod returns the pod of a pod task.
func buildPod(ctx context.Context, pods pod.Runner, t task.Task) *corev1.Pod {
	return pods.Build(ctx, t, t.Executor.(task.Pod))
}

// buildJobPod returns a pod of a Job task.
func buildJobPod(ctx context.Context, pods pod.Runner, t task.Task) *corev1.Pod {
	return pods.Build(ctx, t, t.Executor.(task.Job).Pod())
}
