package job

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// observeRefusal shows why the cluster refuses a pod, and fails the Job when that persists.
func (w *watch) observeRefusal(message string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.feeds) > 0 || w.refusalTimer != nil {
		return true
	}
	w.note("no pod can be created: " + message)
	w.refusalTimer = time.AfterFunc(w.runner.Pods.StuckTimeout, func() {
		w.stop(verdictOf(task.Result{State: task.Failed, Reason: "PodNotCreated", Message: "no pod can be created: " + message}))
	})
	return true
}

// feed passes a state of a pod on to its follower, and starts following a new pod.
func (w *watch) feed(ctx context.Context, p *corev1.Pod, gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.feeds[p.UID]
	if f == nil {
		if gone || ctx.Err() != nil {
			return
		}
		f = &feed{Cluster: w.runner.Cluster, changed: make(chan struct{}, 1), closed: make(chan struct{})}
		w.feeds[p.UID] = f
		if w.refusalTimer != nil {
			w.refusalTimer.Stop()
		}
		w.group.Go(func() { w.followPod(ctx, p, f) })
	}
	f.put(p, gone)
}

func (w *watch) followPod(ctx context.Context, p *corev1.Pod, f *feed) {
	prefix := ""
	if w.several() {
		prefix = p.Name
	}
	following := pod.Following{
		Cluster: f, Pod: p, Main: w.main, All: w.all, Prefix: prefix, StuckTimeout: w.runner.Pods.StuckTimeout,
		Restarts: w.job.Spec.Template.Spec.RestartPolicy == corev1.RestartPolicyOnFailure,
	}
	if !w.several() {
		following.Files = w.task.Files()
	}
	ended := following.Wait(ctx, w.sink)
	w.mu.Lock()
	w.ended = append(w.ended, endedPod{ended, p})
	result, decided := w.decide()
	if decided {
		w.stop(verdictOf(result))
	} else {
		w.conclude()
	}
	continues := !decided && w.final == nil && ctx.Err() == nil
	w.mu.Unlock()
	if continues && ended.State == task.Failed && !ended.Deleting {
		w.note(fmt.Sprintf("pod %s: %s; the Job may try again", p.Name, ended.Message))
		if ended.Running() {
			// The Job sees the failure only when the whole pod has ended.
			_ = w.runner.Cluster.DeletePod(ctx, p, ended.Grace(w.runner.Pods.Grace))
		}
	}
}
