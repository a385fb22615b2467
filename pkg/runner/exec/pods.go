package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/cmd/util/podcmd"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Workload is a workload in use by the task; service.Use is one.
type Workload interface {
	// ScaleUp scales it from zero to one pod, and waits until it is ready; see service.Use.
	ScaleUp(ctx context.Context, note func(string)) (bool, error)
	// Done ends the use.
	Done(ctx context.Context, note func(string))
}

// askEvery is the pause between two calls of Pods while no pod is ready.
const askEvery = time.Second

// find returns the pods in which the task can run; none says why there is no pod. A task with a time limit waits while
// pods exist, or are expected, and none is ready. So does any task, for at most ScaleTimeout, when scaledUp reports that
// its workload was scaled up in this run: the workload's status may still count a pod of before it was scaled down.
func (r Runner) find(ctx context.Context, t task.Task, e task.Exec, scaledUp bool, sink task.Sink) (pods []corev1.Pod, none *workload.NoPodsError, err error) {
	start, limited := time.Now(), t.Timeout > 0 || t.TotalTimeout > 0
	for shown := ""; ; {
		pods, err = r.Pods(ctx, e)
		now, isNone := errors.AsType[*workload.NoPodsError](err)
		if isNone {
			none = now
		}
		switch {
		case ctx.Err() != nil:
			return nil, none, err // the last answer
		case !isNone:
			return pods, nil, err
		case !none.Pending, e.AllowEmpty && !none.Unready, !limited && (!scaledUp || time.Since(start) >= r.ScaleTimeout):
			return nil, none, err
		}
		if text := none.Error(); text != shown {
			shown = text
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "%s; waiting for it\n", text)})
		}
		select {
		case <-ctx.Done():
		case <-time.After(askEvery):
		}
	}
}

// places returns the containers in which the program will run. A container that does not exist is left out here, and
// reported when the program starts.
func places(pods []corev1.Pod, name string) []task.Object {
	all := make([]task.Object, 0, len(pods))
	for i := range pods {
		p := &pods[i]
		if container, err := podcmd.FindOrDefaultContainerByName(p, name, true, io.Discard); err == nil {
			all = append(all, task.Object{Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), Container: container.Name})
		}
	}
	return all
}

// use counts the task as a user of its workload, and scales that up when the task asks for it. scaledUp reports whether a
// task of the run has scaled it up. The caller calls done at the end of the task.
func (r Runner) use(ctx context.Context, e task.Exec, sink task.Sink) (done func(), scaledUp bool, err error) {
	if r.Use == nil || e.Target == "" {
		return func() {}, false, nil
	}
	workload, err := r.Use(e.Target)
	if err != nil {
		return func() {}, false, err
	}
	note := func(text string) { sink(task.Output{Stream: task.Note, Data: []byte(text + "\n")}) }
	if e.Scale {
		scaledUp, err = workload.ScaleUp(ctx, note)
	}
	return func() { workload.Done(ctx, note) }, scaledUp, err
}
