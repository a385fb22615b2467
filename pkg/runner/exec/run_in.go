package exec

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/lines"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// each runs the program in each of the pods, at most parallel at a time.
func (r Runner) each(ctx context.Context, t task.Task, pods []corev1.Pod, parallel int, sink task.Sink, container func(*corev1.Pod) (string, error), exec func(kubeexec.Request) (int, error)) task.Result {
	targets := make([]task.Target, len(pods))
	slots := make(chan struct{}, parallel)
	var running sync.WaitGroup
	for i := range pods {
		slots <- struct{}{}
		if ctx.Err() != nil {
			targets[i] = task.Target{Pod: pods[i].Name, State: task.NotRun, Message: "not run because the run was cancelled"}
			<-slots
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			name, err := container(&pods[i])
			if err != nil {
				targets[i] = task.Target{Pod: pods[i].Name, State: task.Failed, Message: err.Error()}
				return
			}
			targets[i] = r.runIn(ctx, &pods[i], name, sink, len(pods) > 1, exec)
		})
	}
	running.Wait()
	result := sum(targets)
	if files := t.Files(); len(files) > 0 && result.State == task.Succeeded {
		result.Files = r.read(ctx, pods[0].Namespace, targets[0], files, sink)
	}
	return result
}

func (r Runner) runIn(ctx context.Context, pod *corev1.Pod, container string, sink task.Sink, several bool, exec func(kubeexec.Request) (int, error)) task.Target {
	target := task.Target{Pod: pod.Name, State: task.Failed, Container: container}
	name, token := "", ""
	if r.Token != nil {
		token = r.Token(pod.Name)
	}
	if several {
		name = pod.Name
	}
	if r.MaskSecrets != nil {
		r.MaskSecrets(ctx, pod)
	}
	stdout, stderr := lines.NewWriter(name, task.Stdout, sink), lines.NewWriter(name, task.Stderr, sink)
	code, err := exec(kubeexec.Request{Namespace: pod.Namespace, Pod: pod.Name, Container: container, Stdout: stdout, Stderr: stderr, Token: token})
	stdout.Flush()
	stderr.Flush()
	if code == killed && err == nil && r.PodDeleted(ctx, pod) {
		// The end of the pod killed the program, so its progress is unknown.
		target.State, target.Message = task.Unknown, "the pod was deleted while the program ran"
		return target
	}

	var lost *kubeexec.LostError
	switch {
	case err == nil && code == 0:
		target.State, target.ExitCode = task.Succeeded, &code
	case err == nil:
		target.ExitCode, target.Message = &code, meaning(code)
	case errors.Is(err, kubeexec.ErrStopped):
		target.State, target.Message = task.Cancelled, context.Cause(ctx).Error()
	case errors.As(err, &lost) && ctx.Err() != nil:
		target.State = task.Unknown
		target.Message = fmt.Sprintf("could not be stopped, and may still run: %v", lost.Err)
	case errors.As(err, &lost):
		target.State, target.Message = task.Unknown, lost.Error()
	case apierrors.IsNotFound(err):
		target.Message = "the pod no longer exists"
	case ctx.Err() != nil:
		target.State, target.Message = task.NotRun, "not run because the run was cancelled"
	default:
		target.Message = err.Error()
	}
	return target
}

// killed is the exit code after SIGKILL.
const killed = 137
