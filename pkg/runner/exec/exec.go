package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubectl/pkg/cmd/util/podcmd"

	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/lines"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Client is what the runner needs of a cluster; kubeexec.Executor is one.
type Client interface {
	// Exec runs a program in a container; see kubeexec.Executor.Exec.
	Exec(ctx context.Context, req kubeexec.Request, grace time.Duration) (int, error)
	// Reattach goes on with a program that another process has started; see kubeexec.Executor.Reattach.
	Reattach(ctx context.Context, req kubeexec.Request, grace time.Duration) (int, error)
}

// Runner runs exec tasks.
type Runner struct {
	Client Client
	// Pods returns where the task can run; it is asked anew for each task. None is a
	// *workload.NoPodsError.
	Pods func(ctx context.Context, e task.Exec) ([]corev1.Pod, error)
	// Gone reports whether exactly this pod is deleted, or about to be.
	PodDeleted func(ctx context.Context, pod *corev1.Pod) bool
	// Use counts the task among those that use a workload, before its pods are looked for; nil when nobody counts.
	Use func(target string) (Workload, error)
	// Grace is how long a program that is told to stop has before it is killed.
	Grace time.Duration
	// Token names the program of this attempt in a pod; nil when nobody will ask for it.
	Token func(pod string) string
	// Made is told where the program is going to run before it does, and may forbid it; nil when nobody
	// asks.
	BeforeStart func(places ...task.Object) error
	// Recorded returns an error when a place that a record names is not one where the task can have run; nil when
	// nobody asks.
	CheckPlace func(ctx context.Context, t task.Task, place task.Object) error
	// Uses is told of each pod before the program starts in it; nil when nobody asks. One that another
	// process has chosen has no spec.
	MaskSecrets func(ctx context.Context, pod *corev1.Pod)
}

// Workload is one that tasks of the run use; service.Use is one.
type Workload interface {
	// ScaleUp scales it from zero to one pod, and waits until it is ready; see service.Use.
	ScaleUp(ctx context.Context, note func(string)) (bool, error)
	// Done says that the task needs it no more.
	Done(ctx context.Context, note func(string))
}

// Run runs the task's program in as many of the pods as the task says, one after another or as many
// at a time as it allows. A pod in which it fails keeps it from no other; each has its result. No
// pod at all is a failure, or Skipped when the task allows it. What a pod prints is passed on with
// its name when there is more than one.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	e, ok := t.Executor.(task.Exec)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no exec task", t.Executor)}
	}
	done, err := r.use(ctx, e, sink)
	defer done()
	var (
		pods []corev1.Pod
		none *workload.NoPodsError
		late *ready.NotReadyError
	)
	if err == nil {
		pods, none, err = r.find(ctx, t, e, sink)
	}
	switch {
	case ctx.Err() != nil && none != nil:
		return task.Result{State: task.Cancelled, Reason: reasonCancelled, Message: context.Cause(ctx).Error() + ": " + none.Error()}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: reasonCancelled, Message: context.Cause(ctx).Error()}
	case none != nil && e.AllowEmpty && !none.Unready:
		return task.Result{State: task.Skipped, Reason: "NoPods", Message: none.Why + "; nothing to run"}
	case none != nil && none.Zero:
		return task.Result{State: task.Failed, Reason: "NoPods", Message: none.Error() + "; with scale: true the task wakes it"}
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

// program returns what is executed in a container. Kubernetes' API has no way to give it variables, so that the
// container's own env does.
func program(e task.Exec) []string {
	if len(e.Env) == 0 {
		return e.Argv()
	}
	return slices.Concat([]string{"env"}, e.Env, e.Argv())
}

// askEvery is how often pods are asked for that are not ready yet.
const askEvery = time.Second

// find returns where the task can run; none says why it is nowhere. While pods are there, or about to be, and none is
// ready, a task with a time limit waits for one.
func (r Runner) find(ctx context.Context, t task.Task, e task.Exec, sink task.Sink) (pods []corev1.Pod, none *workload.NoPodsError, err error) {
	for told := ""; ; {
		pods, err = r.Pods(ctx, e)
		now, isNone := errors.AsType[*workload.NoPodsError](err)
		if isNone {
			none = now
		}
		switch {
		case ctx.Err() != nil:
			return nil, none, err // the last that was seen
		case !isNone:
			return pods, nil, err
		case !none.Coming, e.AllowEmpty && !none.Unready, t.Timeout == 0 && t.TotalTimeout == 0:
			return nil, none, err
		}
		if text := none.Error(); text != told {
			told = text
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "%s; waiting for it\n", text)})
		}
		select {
		case <-ctx.Done():
		case <-time.After(askEvery):
		}
	}
}

// places are the containers in which the program is going to run. One that is not there is left to be
// found out.
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

// Attach goes on with the programs that another process has started in these places for the attempt.
func (r Runner) Attach(ctx context.Context, t task.Task, places []task.Object, sink task.Sink) task.Result {
	pods, containers := make([]corev1.Pod, len(places)), map[string]string{}
	for i, p := range places {
		if r.CheckPlace != nil {
			if err := r.CheckPlace(ctx, t, p); err != nil {
				return task.Result{State: task.Unknown, Reason: "NotSeen", Message: fmt.Sprintf("its end was not seen, and it is not looked for in pod %s: %v", p.Name, err)}
			}
		}
		pods[i].Namespace, pods[i].Name, pods[i].UID = p.Namespace, p.Name, types.UID(p.UID)
		containers[p.Name] = p.Container
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "going on with what was started in pod %s\n", p.Name)})
	}
	return r.each(ctx, t, pods, len(pods), sink, func(pod *corev1.Pod) (string, error) { return containers[pod.Name], nil },
		func(req kubeexec.Request) (int, error) { return r.Client.Reattach(ctx, req, r.Grace) })
}

// each runs the program in each of the pods, so many at a time.
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

// use counts the task among those that use its workload, and wakes that when it is to; done is called when the task
// has ended.
func (r Runner) use(ctx context.Context, e task.Exec, sink task.Sink) (done func(), err error) {
	if r.Use == nil || e.Target == "" {
		return func() {}, nil
	}
	workload, err := r.Use(e.Target)
	if err != nil {
		return func() {}, err
	}
	note := func(text string) { sink(task.Output{Stream: task.Note, Data: []byte(text + "\n")}) }
	if e.Scale {
		_, err = workload.ScaleUp(ctx, note)
	}
	return func() { workload.Done(ctx, note) }, err
}

// read returns the texts of those of the files in the container that are there, each up to a byte
// more than it may have. The container's own cat reads them; what it says is passed on.
func (r Runner) read(ctx context.Context, namespace string, in task.Target, paths []string, sink task.Sink) map[string]string {
	texts := map[string]string{}
	for _, path := range paths {
		text, stderr := &limited{rest: task.MaxOutput + 1}, lines.NewWriter("", task.Stderr, sink)
		code, err := r.Client.Exec(ctx, kubeexec.Request{
			Namespace: namespace, Pod: in.Pod, Container: in.Container,
			Command: []string{"cat", "--", path}, Stdout: text, Stderr: stderr,
		}, r.Grace)
		stderr.Flush()
		switch {
		case err != nil:
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "reading %s: %v\n", path, err)})
		case code == 0:
			texts[path] = text.String()
		}
	}
	return texts
}

// limited keeps the first bytes that are written to it.
type limited struct {
	strings.Builder

	rest int
}

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	kept := b[:min(len(b), l.rest)]
	l.rest -= len(kept)
	_, err := l.Builder.Write(kept)
	return len(b), err
}

const reasonCancelled = "Cancelled"

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
		// What killed it is the end of its pod; how far it had come nobody can tell.
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
		target.Message = "the pod is gone"
	case ctx.Err() != nil:
		target.State, target.Message = task.NotRun, "not run because the run was cancelled"
	default:
		target.Message = err.Error()
	}
	return target
}

// killed is the exit code of a program that was ended by SIGKILL.
const killed = 137

// meaning words an exit code; those from 126 have a meaning by convention.
func meaning(code int) string {
	switch {
	case code == 126:
		return "exit status 126: the program cannot be executed"
	case code == 127:
		return "exit status 127: no such program in the container"
	case code > 128 && code <= 128+64:
		return fmt.Sprintf("exit status %d: ended by signal %d", code, code-128)
	}
	return fmt.Sprintf("exit status %d", code)
}

// sum makes the task's result of those of its pods. A failure that was seen is the answer, and what
// nobody saw is told beside it.
func sum(targets []task.Target) task.Result {
	result := task.Result{State: task.Succeeded, Targets: targets}
	by := map[task.State][]string{}
	for _, t := range targets {
		by[t.State] = append(by[t.State], t.Pod+": "+t.Message)
		if t.ExitCode != nil && (result.ExitCode == nil || *result.ExitCode == 0) {
			result.ExitCode = t.ExitCode
		}
	}
	total := len(targets)
	unknown := ""
	if pods := by[task.Unknown]; len(pods) > 0 {
		unknown = "result unknown in " + where(pods, total)
	}
	switch {
	case len(by[task.Failed]) > 0:
		result.State, result.Reason = task.Failed, "ExitCode"
		if result.ExitCode == nil || *result.ExitCode == 0 {
			result.Reason = "NotStarted"
		}
		result.Message = "failed in " + where(by[task.Failed], total)
		if unknown != "" {
			result.Message += "; " + unknown
		}
	case unknown != "":
		result.State, result.Reason, result.Message = task.Unknown, "ConnectionLost", unknown
	case len(by[task.Cancelled])+len(by[task.NotRun]) > 0:
		result.State, result.Reason = task.Cancelled, reasonCancelled
		result.Message = "stopped"
	}
	return result
}

func where(pods []string, total int) string {
	if total == 1 {
		return "pod " + pods[0]
	}
	return fmt.Sprintf("%d of %d pods: %s", len(pods), total, strings.Join(pods, "; "))
}
