package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/advanced"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/approve"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/clone"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/evaluation"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/function"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/host"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/service"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/standard"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/wait"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// stopGrace is how long a task that is told to stop has before it is killed.
const stopGrace = 5 * time.Second

// podPatience is how long a pod may be in a state that it will hardly leave, before its task
// fails.
const podPatience = 15 * time.Second

// stepRunner is the engine's runner: it hands each step to what carries it out. A new executor
// is a package under pkg/runner and a case here.
type stepRunner struct {
	client *kube.Client
	// namespace is that of the release.
	namespace string
	env       environment
	// helm is what carries out Helm's steps, and apply the step itself; nil when the run has none.
	helm  *release.Helm
	apply func() error
	// next returns the objects that apply is going to apply; nil when there are none to come.
	next func() ([]*unstructured.Unstructured, error)
	// objects are those of the release's newest revision.
	objects func() ([]*unstructured.Unstructured, error)
	timeout time.Duration
	// readiness says how objects are waited for, but for the time.
	readiness kube.Readiness
	// voice shows the hooks of the chart, and what is waited for; nil when the run has none.
	voice *voice
	// helmRelease is the release's name, and emitHook takes the events of the chart's hooks.
	helmRelease string
	emitHook    func(engine.Event)
	// approve asks the person at the terminal.
	approve approve.Runner
	// images are the runner images of functions, by runtime.
	images map[task.Runtime]string
	// operation is what the run does.
	operation task.Operation
	// awake is what tasks have woken.
	awake service.Awake
	// midway reports that tasks run while Helm may still wait.
	midway bool

	// applied is closed when apply has returned, and applyError is what it returned.
	applied    chan struct{}
	applyError error
	// back takes back what apply did, and returns what that was; rolledBack is what it returned.
	back       func() (string, error)
	rolledBack string
	// did reports that an earlier process of the run has carried Helm's step out, begun that it has begun.
	did, begun bool

	// run identifies the run. made is told what an attempt makes, or where it runs, before it does; nil
	// when the run is not recorded. known is what an earlier process made.
	run   string
	made  func(step string, objects ...task.Object) error
	known func(step string) []task.Object
	// recording are the writes that go on beside the tasks.
	recording sync.WaitGroup
	// secrets are those that tasks use.
	secrets secretsInUse
}

// Run implements engine.Runner.
func (r *stepRunner) Run(ctx context.Context, a engine.Attempt, sink task.Sink) task.Result {
	failpoint.Point("before " + a.ID)
	defer failpoint.Point("after " + a.ID)
	return r.carryOut(ctx, a, sink)
}

func (r *stepRunner) carryOut(ctx context.Context, a engine.Attempt, sink task.Sink) task.Result {
	step := a.Step
	switch step.Kind {
	case plan.Apply, plan.Delete:
		if r.did {
			return task.Result{State: task.Succeeded}
		}
		r.sleep(func(text string) { sink(task.Output{Stream: task.Note, Data: []byte(text + "\n")}) })
		return r.runHelm(ctx)
	case plan.RollBack:
		return r.rollBack()
	case plan.Finish:
		return r.finishHelm(ctx, a.OthersDone)
	case plan.Ready:
		return r.awaitReady(ctx)
	case plan.Object:
		return r.awaitObject(ctx, step)
	case plan.Task:
	}
	if a.Resumed {
		if result, decided := r.goOn(ctx, a, sink); decided {
			return result
		}
	}
	switch e := step.Task.Executor.(type) {
	case task.Host:
		env := append(environment(nil), r.env...)
		env.set("TASKS_PHASE", string(step.Phase))
		for _, entry := range e.Env {
			name, value, _ := strings.Cut(entry, "=")
			env.set(name, value)
		}
		return host.Runner{Env: env, Dir: e.Dir, Grace: stopGrace}.Run(ctx, *step.Task, sink)
	case task.Exec:
		runner := r.execRunner(a, sink)
		runner.Use = r.use
		runner.Pods = func(ctx context.Context, e task.Exec) ([]corev1.Pod, error) { return r.pods(ctx, e, choice(step, e)) }
		return runner.Run(ctx, *step.Task, sink)
	case task.Service:
		return r.serviceRunner(a, sink).Run(ctx, *step.Task, sink)
	case task.Standard:
		return standard.Runner{Cluster: r.client, Clones: clone.Runner{Cluster: r.client, Pods: r.podRunner(a, sink)}}.Run(ctx, *step.Task, sink)
	case task.Advanced:
		return advanced.Runner{Cluster: r.client, Pods: r.podRunner(a, sink)}.Run(ctx, *step.Task, sink)
	case task.Pod:
		return r.podRunner(a, sink).Run(ctx, *step.Task, sink)
	case task.Job:
		return job.Runner{Cluster: r.client, Pods: r.podRunner(a, sink)}.Run(ctx, *step.Task, sink)
	case task.Function:
		return function.Runner{Pods: r.podRunner(a, sink), Images: r.images}.Run(ctx, *step.Task, sink)
	case task.Keptn:
		runner := keptn.Runner{Cluster: r.client, Namespace: r.namespace, Jobs: job.Runner{Cluster: r.client, Pods: r.podRunner(a, sink)}}
		if step.Stage == task.Before {
			runner.Next = r.next
		}
		return runner.Run(ctx, *step.Task, sink)
	case task.Evaluation:
		return evaluation.Runner{Status: r.metricStatus, Query: r.askPrometheus}.Run(ctx, *step.Task, sink)
	case task.Wait:
		return wait.Runner{Namespace: r.namespace, WaitFor: r.client.WaitFor}.Run(ctx, *step.Task, sink)
	case task.Approve:
		return r.approve.Run(ctx, *step.Task, sink)
	case task.Clone:
		runner := clone.Runner{Cluster: r.client, Pods: r.podRunner(a, sink)}
		if step.Stage == task.Before {
			runner.Next = r.next
		}
		return runner.Run(ctx, *step.Task, sink)
	}
	return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("no runner for %T", step.Task.Executor)}
}

// execRunner returns the runner of an attempt in running pods.
func (r *stepRunner) execRunner(a engine.Attempt, sink task.Sink) exec.Runner {
	id := pod.Identity{Run: r.run, Step: a.ID, Attempt: a.Number}
	runner := exec.Runner{Client: kubeexec.Executor{Client: r.client}, Gone: r.client.PodGone, Grace: stopGrace, Token: id.Token, Uses: r.hideOfPod(a, sink)}
	runner.Recorded = r.canHaveRun
	if r.made != nil {
		runner.Made = func(places ...task.Object) error { return r.made(a.ID, places...) }
	}
	return runner
}

func (r *stepRunner) serviceRunner(a engine.Attempt, sink task.Sink) service.Runner {
	return service.Runner{
		Cluster: r.client, Exec: r.execRunner(a, sink), Namespace: r.namespace, Release: a.Release.Name, Installing: r.operation == task.Install, Awake: &r.awake,
	}
}

// metricStatus returns what the cluster knows of a metric.
func (r *stepRunner) metricStatus(ctx context.Context, o task.Objective) (string, error) {
	return r.client.MetricStatus(ctx, cmp.Or(o.Namespace, r.namespace), o.Metric)
}

// askPrometheus asks the provider of a metric.
func (r *stepRunner) askPrometheus(ctx context.Context, o task.Objective) (float64, error) {
	q := kube.PrometheusQuery{Server: o.Server, Query: o.Query, Insecure: o.Insecure}
	if o.Secret != "" {
		if o.Namespace != "" && o.Namespace != r.namespace {
			return 0, fmt.Errorf("the token for %s would be of secret %q in namespace %q: one of namespace %q is sent, and no other", o.Server, o.Secret, o.Namespace, r.namespace)
		}
		token, err := r.client.SecretValue(ctx, cmp.Or(o.Namespace, r.namespace), o.Secret, o.Key)
		if err != nil {
			return 0, err
		}
		q.Token = token
	}
	return r.client.AskPrometheus(ctx, q)
}

// use counts a task among those that use a workload.
func (r *stepRunner) use(target string) (exec.Workload, error) {
	name, err := r.client.TargetName(r.namespace, target)
	if err != nil {
		return nil, err
	}
	return r.awake.Use(name), nil
}

// recorded has the runner tell the journal of what it makes and wakes; and what an earlier process has woken
// sleeps again when the run ends.
func (r *stepRunner) recorded(s *session, resuming *resumption) {
	r.awake.Cluster, r.awake.Namespace, r.awake.Timeout = r.client, r.namespace, r.timeout
	if s.journal != nil {
		r.made, r.awake.Woken = s.journal.Created, s.journal.ScaledUp
		r.awake.Asleep = func(target string) { _ = s.journal.ScaledDown(target) } // the journal tells of its own failures
	}
	if resuming != nil {
		r.known = resuming.made
		for _, w := range resuming.run.ScaledUp {
			r.awake.Add(w.Target, w.UID, w.Replicas)
		}
	}
}

// sleep scales back what tasks have woken.
func (r *stepRunner) sleep(tell func(string)) {
	r.awake.Restore(context.Background(), tell)
}

func (r *stepRunner) podRunner(a engine.Attempt, sink task.Sink) pod.Runner {
	return pod.Runner{
		Cluster: r.client, Namespace: r.namespace, Release: a.Release.Name, Grace: stopGrace, Patience: podPatience,
		ID: pod.Identity{Run: r.run, Step: a.ID, Attempt: a.Number}, Made: func(o task.Object) { r.record(a, o) }, Uses: r.hide(a, sink),
	}
}

// record has the record name what an attempt has made. It goes on beside the task, which is found by
// its name in any case.
func (r *stepRunner) record(a engine.Attempt, o task.Object) {
	if r.made == nil || a.Resumed {
		return
	}
	r.recording.Go(func() { _ = r.made(a.ID, o) }) // the journal tells of its own failures
}

// runHelm returns when Helm has applied the manifests. When tasks run beside what Helm does after that, it stays
// where it has waited for them, and finishHelm tells how it ended.
func (r *stepRunner) runHelm(ctx context.Context) task.Result {
	r.applied = make(chan struct{})
	if r.midway {
		r.helm.Pause()
	}
	go func() {
		defer close(r.applied)
		r.applyError = r.apply()
	}()
	if !r.midway {
		return r.helmEnded(ctx)
	}
	select {
	case <-r.applied:
		return r.helmEnded(ctx)
	case <-r.helm.Applied():
		return task.Result{State: task.Succeeded}
	}
}

// finishHelm waits until Helm has ended, which goes on to its end when all tasks beside it have succeeded; when
// something failed, it has Helm end its wait and write that the release failed.
func (r *stepRunner) finishHelm(ctx context.Context, alone <-chan struct{}) task.Result {
	if r.did {
		return task.Result{State: task.Succeeded}
	}
	select {
	case <-r.applied:
	case <-ctx.Done():
	case <-alone:
		if ctx.Err() == nil {
			r.helm.Continue()
		}
	}
	select {
	case <-r.applied:
	case <-ctx.Done():
		r.helm.StopWaiting(context.Cause(ctx))
	}
	return r.helmEnded(ctx)
}

// rollBack has Helm take back what it did, when it did something and did not take it back itself.
func (r *stepRunner) rollBack() task.Result {
	if r.applied == nil && !r.did && !r.begun {
		return task.Result{State: task.Skipped, Reason: "NotApplied", Message: "Helm has changed nothing"}
	}
	r.settle()
	var err error
	if r.rolledBack, err = r.back(); err != nil {
		return task.Result{State: task.Failed, Reason: "Rollback", Message: err.Error()}
	}
	return task.Result{State: task.Succeeded, Message: r.rolledBack}
}

// settle is for the end of a run: it makes sure that Helm has ended too.
func (r *stepRunner) settle() {
	if r.applied == nil {
		return
	}
	select {
	case <-r.applied:
	default:
		r.helm.StopWaiting(errors.New("the run has ended"))
		<-r.applied
	}
}

// reasonHelm is the Reason of a step of Helm's that failed.
const reasonHelm = "Helm"

func (r *stepRunner) helmEnded(ctx context.Context) task.Result {
	<-r.applied
	switch {
	case r.applyError == nil:
		return task.Result{State: task.Succeeded}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: r.applyError.Error()}
	}
	return task.Result{State: task.Failed, Reason: reasonHelm, Message: r.applyError.Error()}
}

func (r *stepRunner) awaitReady(ctx context.Context) task.Result {
	objects, err := r.objects()
	if err == nil {
		err = r.client.WaitReady(ctx, kube.Workloads(objects), r.within())
	}
	return waited(ctx, err)
}

func (r *stepRunner) awaitObject(ctx context.Context, step plan.Step) task.Result {
	return waited(ctx, r.client.WaitObject(ctx, step.Release.Namespace, step.Object, r.within()))
}

// within is how objects are waited for.
func (r *stepRunner) within() kube.Readiness {
	how := r.readiness
	how.Timeout = r.timeout
	return how
}

// waited turns how a wait for readiness ended into a result.
func waited(ctx context.Context, err error) task.Result {
	var notReady *kube.NotReadyError
	switch {
	case err == nil:
		return task.Result{State: task.Succeeded}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case errors.As(err, &notReady) && notReady.Waited > 0:
		return task.Result{State: task.Failed, Reason: engine.ReasonTimeout, Message: err.Error()}
	}
	return task.Result{State: task.Failed, Reason: "NotReady", Message: err.Error()}
}

// choice says which pods the task of a step may run in. Before Helm changes a release, and after something failed, it is
// those that serve, even when an earlier update got stuck; else those of the newest revision.
func choice(step plan.Step, e task.Exec) kube.Choice {
	before := step.Stage == task.Before || strings.HasPrefix(string(step.Phase), "pre-") // that of a task that runs by its name
	return kube.Choice{AnyRevision: before || step.Stage > task.After, Unready: e.Unready}
}

// pods returns where an exec task can run.
func (r *stepRunner) pods(ctx context.Context, e task.Exec, choice kube.Choice) ([]corev1.Pod, error) {
	switch {
	case e.Target != "":
		return r.client.TargetPods(ctx, r.namespace, e.Target, choice)
	case e.Selector != "":
		return r.client.SelectorPods(ctx, r.namespace, e.Selector, choice)
	}
	objects, err := r.ofNamespace()
	if err != nil {
		return nil, err
	}
	return r.client.ReleasePods(ctx, objects, choice)
}

// ofNamespace returns the objects of the release that are in its namespace: tasks run nowhere else, whatever a chart
// has elsewhere.
func (r *stepRunner) ofNamespace() ([]*unstructured.Unstructured, error) {
	objects, err := r.objects()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o *unstructured.Unstructured) bool { return o.GetNamespace() != r.namespace }), nil
}

// canHaveRun returns an error unless the task can have been started in a container that a record names: in exactly
// this pod, and one that the task's target selects, in whatever revision.
func (r *stepRunner) canHaveRun(ctx context.Context, t task.Task, place task.Object) error {
	pod, err := r.client.GetPod(ctx, r.namespace, place.Name)
	switch {
	case err != nil:
		return err
	case place.Namespace != r.namespace || string(pod.UID) != place.UID:
		return errors.New("it is another one than the record names")
	}
	var selects bool
	switch e := t.Executor.(type) {
	case task.Service:
		var workload string
		if workload, err = r.client.FindWorkload(ctx, r.namespace, r.helmRelease, e.Name, cmp.Or(e.Label, task.ServiceLabel)); err == nil {
			selects, err = r.client.Selects(ctx, r.namespace, workload, pod)
		}
	case task.Exec:
		selects, err = r.selects(ctx, e, pod)
	}
	if err == nil && !selects {
		err = errors.New("the task does not run there")
	}
	return err
}

// selects reports whether an exec task can run in a pod.
func (r *stepRunner) selects(ctx context.Context, e task.Exec, pod *corev1.Pod) (bool, error) {
	switch {
	case e.Target != "":
		return r.client.Selects(ctx, r.namespace, e.Target, pod)
	case e.Selector != "":
		selector, err := labels.Parse(e.Selector)
		return err == nil && selector.Matches(labels.Set(pod.Labels)), err
	}
	objects, err := r.ofNamespace()
	if err != nil {
		return false, err
	}
	for _, w := range kube.Workloads(objects) {
		if selects, err := r.client.Selects(ctx, r.namespace, kube.Name(w), pod); selects || err != nil {
			return selects, err
		}
	}
	return false, nil
}
