package pod

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// NotCreated returns the result of a task whose object was not created: Unknown when err is a kube.AmbiguousError.
func NotCreated(kind string, err error) task.Result {
	result := task.Result{State: task.Failed, Reason: "NotCreated", Message: fmt.Sprintf("the %s cannot be created: %v", kind, err)}
	if _, unknown := errors.AsType[*kube.AmbiguousError](err); unknown {
		result.State = task.Unknown
	}
	return result
}

// maxMessage is the length in bytes to which the kubelet cuts a termination message (k8s.io/kubernetes, pkg/kubelet).
const maxMessage = 4096

// withFile returns the result with the text of a file. A text of the maximum length was probably cut off.
func withFile(r task.Result, path, text string) task.Result {
	switch {
	case len(text) >= maxMessage:
		r.State, r.Reason = task.Failed, "Output"
		r.Message = fmt.Sprintf("%s is too long: Kubernetes keeps %d bytes of a file in a pod; print the output instead", path, maxMessage-1)
	case text != "":
		r.Files = map[string]string{path: text}
	}
	return r
}

// target returns the result with the pod as its target.
func target(pod *corev1.Pod, container string, r task.Result) task.Result {
	r.Targets = []task.Target{{Pod: pod.Name, Container: container, State: r.State, ExitCode: r.ExitCode, Message: r.Message}}
	return r
}

// stuckError is the cause that ends following a pod that does not start.
type stuckError struct{ reason, message string }

func (s stuckError) Error() string { return s.message }

// ended returns the result of following the pod.
func (f *follower) ended(ctx context.Context, following context.Context, err error) task.Result {
	stuck, isStuck := errors.AsType[stuckError](context.Cause(following))
	switch {
	case f.end != nil && f.messageIsFile:
		end := *f.end
		end.Message = ""
		return terminated(&end)
	case f.end != nil:
		result := terminated(f.end)
		if result.State == task.Failed && f.disruption != "" {
			result.Message += ": " + f.disruption
		}
		return result
	case f.failure != "":
		return task.Result{State: task.Failed, Reason: "PodFailed", Message: f.failure}
	case f.gone:
		return task.Result{State: task.Unknown, Reason: "PodGone", Message: fmt.Sprintf("pod %s was deleted by another client before its end was observed", f.pod.Name)}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case isStuck:
		f.stuck = true
		return task.Result{State: task.Failed, Reason: stuck.reason, Message: stuck.message}
	}
	return task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("pod %s can no longer be read: %v", f.pod.Name, err)}
}

// terminated returns the result of a container that has exited.
func terminated(s *corev1.ContainerStateTerminated) task.Result {
	code := int(s.ExitCode)
	if code == 0 {
		return task.Result{State: task.Succeeded, ExitCode: &code}
	}
	message := fmt.Sprintf("exit status %d", code)
	if s.Reason != "" && s.Reason != "Error" {
		message += ": " + s.Reason
	}
	if s.Message != "" {
		message += ": " + s.Message
	}
	return task.Result{State: task.Failed, Reason: "ExitCode", ExitCode: &code, Message: message}
}
