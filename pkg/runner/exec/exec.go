package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubectl/pkg/cmd/util/podcmd"

	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Client runs programs in containers; kubeexec.Executor is one.
type Client interface {
	// Exec runs a program in a container; see kubeexec.Executor.Exec.
	Exec(ctx context.Context, req kubeexec.Request, grace time.Duration) (int, error)
	// Reattach follows a program that an earlier process has started; see kubeexec.Executor.Reattach.
	Reattach(ctx context.Context, req kubeexec.Request, grace time.Duration) (int, error)
}

// Runner runs exec tasks.
type Runner struct {
	Client Client
	// Pods returns the pods in which the task can run now; the error is a *workload.NoPodsError when there is none.
	Pods func(ctx context.Context, e task.Exec) ([]corev1.Pod, error)
	// PodDeleted reports whether exactly this pod is deleted, or being deleted.
	PodDeleted func(ctx context.Context, pod *corev1.Pod) bool
	// Use counts the task as a user of its workload, before Pods is called; may be nil.
	Use func(target string) (Workload, error)
	// ScaleTimeout limits the wait for a pod of a workload that was scaled up.
	ScaleTimeout time.Duration
	// Grace is the time between the signal that stops a program and the one that kills it.
	Grace time.Duration
	// Token returns a name for the program of this attempt in a pod, by which Reattach finds it; may be nil.
	Token func(pod string) string
	// BeforeStart is called with the containers in which the program will run, and its error prevents that; may be nil.
	BeforeStart func(places ...task.Object) error
	// CheckPlace returns an error when the task cannot have run in a container that a record names; may be nil.
	CheckPlace func(ctx context.Context, t task.Task, place task.Object) error
	// MaskSecrets is called with each pod before the program starts in it; may be nil. A pod that an earlier process has
	// chosen has no spec.
	MaskSecrets func(ctx context.Context, pod *corev1.Pod)
}

// Run runs the task's program in the number of pods that the task gives, one after another or as many in parallel as it
// allows. A failure in one pod does not prevent the others; each has its own result. Without any pod the task fails, or
// is Skipped when it allows that. With several pods, the output has the name of the pod.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	e, ok := t.Executor.(task.Exec)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not an exec task", t.Executor)}
	}
	done, scaledUp, err := r.use(ctx, e, sink)
	defer done()
	var (
		pods []corev1.Pod
		none *workload.NoPodsError
		late *ready.NotReadyError
	)
	if err == nil {
		pods, none, err = r.find(ctx, t, e, scaledUp, sink)
	}
	switch {
	case ctx.Err() != nil && none != nil:
		return task.Result{State: task.Cancelled, Reason: reasonCancelled, Message: context.Cause(ctx).Error() + ": " + none.Error()}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: reasonCancelled, Message: context.Cause(ctx).Error()}
	case none != nil && e.AllowEmpty && !none.Unready:
		return task.Result{State: task.Skipped, Reason: "NoPods", Message: none.Why + "; nothing to run"}
	case none != nil && none.ScaledToZero:
		return task.Result{State: task.Failed, Reason: "NoPods", Message: none.Error() + "; with scale: true, the task scales it up"}
	case none != nil:
		return task.Result{State: task.Failed, Reason: "NoPods", Message: none.Error()}
	case errors.As(err, &late): // it was scaled
		reason := "NotReady"
		if late.Waited > 0 {
			reason = "Timeout"
		}
		return task.Result{State: task.Failed, Reason: reason, Message: err.Error()}
	case err != nil:
		return task.Result{State: task.Failed, Reason: "Pods", Message: err.Error()}
	}
	pods = pods[:e.Pods.Of(len(pods))]
	if r.BeforeStart != nil {
		if err := r.BeforeStart(places(pods, e.Container)...); err != nil {
			return task.Result{State: task.Failed, Reason: "NotRecorded", Message: err.Error()}
		}
	}
	return r.each(ctx, t, pods, max(1, e.Parallel), sink, func(pod *corev1.Pod) (string, error) {
		container, err := podcmd.FindOrDefaultContainerByName(pod, e.Container, true, io.Discard)
		if err != nil {
			return "", err
		}
		return container.Name, nil
	}, func(req kubeexec.Request) (int, error) {
		req.Command = program(e)
		return r.Client.Exec(ctx, req, r.Grace)
	})
}

// program returns the command to execute in a container. The exec API cannot set variables, so the container's own env
// program does.
func program(e task.Exec) []string {
	if len(e.Env) == 0 {
		return e.Argv()
	}
	return slices.Concat([]string{"env"}, e.Env, e.Argv())
}

// Attach follows the programs that an earlier process has started for the attempt in these containers.
func (r Runner) Attach(ctx context.Context, t task.Task, places []task.Object, sink task.Sink) task.Result {
	pods, containers := make([]corev1.Pod, len(places)), map[string]string{}
	for i, p := range places {
		if r.CheckPlace != nil {
			if err := r.CheckPlace(ctx, t, p); err != nil {
				return task.Result{State: task.Unknown, Reason: "NotSeen", Message: fmt.Sprintf("its end was not observed, and the task does not reattach to pod %s: %v", p.Name, err)}
			}
		}
		pods[i].Namespace, pods[i].Name, pods[i].UID = p.Namespace, p.Name, types.UID(p.UID)
		containers[p.Name] = p.Container
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "reattaching to the program in pod %s\n", p.Name)})
	}
	return r.each(ctx, t, pods, len(pods), sink, func(pod *corev1.Pod) (string, error) { return containers[pod.Name], nil },
		func(req kubeexec.Request) (int, error) { return r.Client.Reattach(ctx, req, r.Grace) })
}

const reasonCancelled = "Cancelled"
