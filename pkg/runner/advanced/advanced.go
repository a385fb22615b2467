package advanced

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs advanced tasks.
type Runner struct {
	Cluster Cluster
	// Pods runs the pod.
	Pods pod.Runner
}

// dataAnnotation is the annotation in which the pod leaves its result: JSON, in base64.
const dataAnnotation = "lagoon.sh/taskData"

// Run checks that the objects exist that the pod needs, runs it, and reads its annotation; see pod.Runner.Run. When an
// object is missing, the task fails before the pod is created.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	a, ok := t.Executor.(task.Advanced)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not an advanced task", t.Executor)}
	}
	note := func(format string, args ...any) {
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, format+"\n", args...)})
	}
	b := builder{client: r.Cluster, namespace: r.Pods.Namespace, note: note}
	made, err := b.build(ctx, a)
	switch {
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case err != nil:
		return task.Result{State: task.Failed, Reason: "Advanced", Message: err.Error()}
	}
	t.Executor = made
	return r.withData(sink, func(pods pod.Runner) task.Result { return pods.Run(ctx, t, sink) })
}

// Attach follows the pod that an earlier process created for the attempt; see pod.Runner.Attach.
func (r Runner) Attach(ctx context.Context, t task.Task, known string, sink task.Sink) (result task.Result, found bool) {
	result = r.withData(sink, func(pods pod.Runner) task.Result {
		result, found = pods.Attach(ctx, t, known, sink)
		return result
	})
	return result, found
}

// withData returns the result of a pod, with the value of its annotation.
func (r Runner) withData(sink task.Sink, run func(pods pod.Runner) task.Result) task.Result {
	note := func(format string, args ...any) {
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, format+"\n", args...)})
	}
	data, pods := "", r.Pods
	pods.OnUpdate = func(pod *corev1.Pod) { data = pod.Annotations[dataAnnotation] }
	result := run(pods)
	if data != "" {
		v, err := decode(data)
		if err != nil {
			note("%s is not JSON in base64: %v", dataAnnotation, err)
		} else {
			note("%s: %s (it has no effect without Lagoon)", dataAnnotation, compact(v))
		}
		result.Outputs = map[string]task.Value{task.TaskData: {Value: v}}
	}
	return result
}

// decode returns the value of the annotation; the text itself when it cannot be decoded.
func decode(data string) (any, error) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(data))
	if err != nil {
		return data, err
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return string(text), err
	}
	return v, nil
}

func compact(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}
