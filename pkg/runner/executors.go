package runner

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// executors is the registry: one row for each executor that a task can have.
var executors = []Executor{
	{Type: task.Host{}, New: newHost, Reattach: reattachHost, Place: OnMachine},
	{Type: task.Exec{}, New: newExec, Reattach: reattachExec, Rights: execRights, Lacks: execLacks, Sends: sentByExec},
	{Type: task.Service{}, New: newService, Reattach: reattachExec, Rights: serviceRights, Lacks: serviceLacks},
	{Type: task.Pod{}, New: newPod, Reattach: reattachPod, Rights: podRights, Pod: buildPod},
	{Type: task.Job{}, New: newJob, Reattach: reattachPod, Rights: jobRights, Pod: buildJobPod},
	{Type: task.Function{}, New: newFunction, Reattach: reattachPod, Rights: podRights},
	{Type: task.Clone{}, New: newClone, Reattach: reattachPod, Rights: cloneRights, Lacks: cloneLacks},
	{Type: task.Standard{}, New: newStandard, Reattach: reattachPod, Rights: standardRights},
	{Type: task.Advanced{}, New: newAdvanced, Reattach: reattachAdvanced, Rights: podRights},
	{Type: task.Keptn{}, New: newKeptn, Reattach: reattachPod, Rights: keptnRights},
	{Type: task.Evaluation{}, New: newEvaluation, RunsAgain: true},
	{Type: task.Wait{}, New: newWait, RunsAgain: true, Rights: waitRights, Lacks: waitLacks},
	{Type: task.Sleep{}, New: newSleep, RunsAgain: true, Place: InProcess},
	{Type: task.Approve{}, New: newApprove, RunsAgain: true, Place: InProcess},
}

// Executor describes an executor in addition to its type in pkg/task. All functions except for New may be nil.
type Executor struct {
	// Type is a value of the executor's type.
	Type task.Executor
	// New returns the runner of an attempt.
	New func(s *Steps, a engine.Attempt, sink task.Sink) Runner
	// RunsAgain reports that the executor changes nothing, so that an attempt can be run again after the process
	// that ran it has died.
	RunsAgain bool
	// Reattach follows what an earlier process has started for the attempt to its end; false when there is nothing to
	// follow. Then, and when it is nil, the result of the attempt is unknown.
	Reattach func(ctx context.Context, s *Steps, a engine.Attempt, sink task.Sink) (task.Result, bool)
	// Rights returns the access to the cluster that a task needs.
	Rights func(e task.Executor) Rights
	// Pod returns the pod that a task would create; nil when it is known only when the task starts.
	Pod func(ctx context.Context, pods pod.Runner, t task.Task) *corev1.Pod
	// Lacks returns which of the objects that the task of a step refers to will not exist; empty when all will, or when
	// that is not known yet.
	Lacks func(ctx context.Context, coming workload.Preview, s plan.Step) string
	// Place is where a task runs.
	Place Place
	// Sends returns the variables of this machine whose values a task sends to the cluster.
	Sends func(e task.Executor) []string
}

// Runner runs the tasks of one executor. When ctx is cancelled, it stops what it has started before it returns.
type Runner interface {
	Run(ctx context.Context, t task.Task, sink task.Sink) task.Result
}

// Place is where the tasks of an executor run.
type Place int

// The places.
const (
	// InCluster is the cluster.
	InCluster Place = iota
	// OnMachine is the machine of the user, where a task may change anything.
	OnMachine
	// InProcess is this program itself, which asks or waits: a task changes nothing.
	InProcess
)

// Of returns the row of an executor; false when it has none.
func Of(e task.Executor) (Executor, bool) {
	if e == nil {
		return Executor{}, false
	}
	return ofKind(e.Kind())
}

// TypeOf returns a value of the executor's type of that kind, such as task.Host{} for "host"; false when there is none.
func TypeOf(kind string) (task.Executor, bool) {
	row, ok := ofKind(kind)
	return row.Type, ok
}

func ofKind(kind string) (Executor, bool) {
	i := slices.IndexFunc(executors, func(row Executor) bool { return row.Type.Kind() == kind })
	if i < 0 {
		return Executor{}, false
	}
	return executors[i], true
}
