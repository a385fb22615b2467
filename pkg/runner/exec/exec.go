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

// Workload is a workload in use by the task; service.Use is one.
type Workload interface {
	// ScaleUp scales it from zero to one pod, and waits until it is ready; see service.Use.
	ScaleUp(ctx context.Context, note func(string)) (bool, error)
	// Done ends the use.
	Done(ctx context.Context, note func(string))
}

// Run runs the task's program in the number of pods that the task gives, one after another or as many in parallel as it
// allows. A failure in one pod does not prevent the others; each has its own result. Without any pod the task fails, or
// is Skipped when it allows that. With several pods, the output has the name of the pod.
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
	case none != nil && none.ScaledToZero:
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

// program returns the command to execute in a container. The exec API cannot set variables, so the container's own env
// program does.
func program(e task.Exec) []string {
	if len(e.Env) == 0 {
		return e.Argv()
	}
	return slices.Concat([]string{"env"}, e.Env, e.Argv())
}

// askEvery is the pause between two calls of Pods while no pod is ready.
const askEvery = time.Second

// find returns the pods in which the task can run; none says why there is no pod. A task with a time limit waits while
// pods exist, or are expected, and none is ready.
func (r Runner) find(ctx context.Context, t task.Task, e task.Exec, sink task.Sink) (pods []corev1.Pod, none *workload.NoPodsError, err error) {
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
		case !none.Pending, e.AllowEmpty && !none.Unready, t.Timeout == 0 && t.TotalTimeout == 0:
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

// Attach follows the programs that an earlier process has started for the attempt in these containers.
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

// use counts the task as a user of its workload, and scales that up when the task asks for it. The caller calls done at
// the end of the task.
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

// read returns the texts of the files that exist in the container, each up to one byte more than the limit. The
// container's own cat reads them, and its messages are passed on.
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

// limited keeps the first bytes that are written to it, and drops the rest.
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
		target.Message = "the pod is gone"
	case ctx.Err() != nil:
		target.State, target.Message = task.NotRun, "not run because the run was cancelled"
	default:
		target.Message = err.Error()
	}
	return target
}

// killed is the exit code after SIGKILL.
const killed = 137

// meaning returns a message for an exit code. Those from 126 have a meaning by convention of the shells.
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

// sum returns the task's result from those of its pods. A failure takes precedence; unknown results are then added to the
// message.
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
