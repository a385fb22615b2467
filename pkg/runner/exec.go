package runner

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// execRunner returns the runner of an attempt in running pods.
func (s *Steps) execRunner(a engine.Attempt, sink task.Sink) exec.Runner {
	id := pod.Identity{Run: s.RunID, Step: a.ID, Attempt: a.Number}
	runner := exec.Runner{Client: s.cluster(), PodDeleted: s.Client.PodDeleted, Grace: StopGrace, Token: id.Token, MaskSecrets: s.maskSecretsOfPod(a, sink)}
	runner.CheckPlace = s.checkPlace
	if s.Created != nil {
		runner.BeforeStart = func(places ...task.Object) error { return s.Created(a.ID, places...) }
	}
	return runner
}

// use counts a task among the users of a workload.
func (s *Steps) use(target string) (exec.Workload, error) {
	name, err := s.Client.TargetName(s.Release.Namespace, target)
	if err != nil {
		return nil, err
	}
	return s.ScaledUp.Use(name), nil
}

// choice returns which pods the task of a step may run in. Before Helm changes a release, and after a failure, these
// are the pods that serve, even when an earlier update is stuck; otherwise those of the newest revision.
func choice(step plan.Step, e task.Exec) workload.Choice {
	before := step.Stage == task.Before || strings.HasPrefix(string(step.Phase), "pre-") // of a task that runs by its name
	return workload.Choice{AnyRevision: before || step.Stage > task.After, Unready: e.Unready}
}

// pods returns the pods in which an exec task can run.
func (s *Steps) pods(ctx context.Context, e task.Exec, choice workload.Choice) ([]corev1.Pod, error) {
	switch {
	case e.Target != "":
		return s.cluster().TargetPods(ctx, s.Release.Namespace, e.Target, choice)
	case e.Selector != "":
		return s.cluster().SelectorPods(ctx, s.Release.Namespace, e.Selector, choice)
	}
	objects, err := s.ofNamespace()
	if err != nil {
		return nil, err
	}
	return s.cluster().ReleasePods(ctx, workload.PreferLabelled(workload.Of(objects), task.PodLabel), choice)
}

// ofNamespace returns the objects of the release in its own namespace. Tasks run in no other, even if the chart has
// workloads there.
func (s *Steps) ofNamespace() ([]*unstructured.Unstructured, error) {
	objects, err := s.Objects()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o *unstructured.Unstructured) bool { return o.GetNamespace() != s.Release.Namespace }), nil
}

// checkPlace returns an error unless an earlier process can have started the task in a container that a record names:
// the pod must be exactly the recorded one, and the task's target must select it, in any revision.
func (s *Steps) checkPlace(ctx context.Context, t task.Task, place task.Object) error {
	namespace := s.Release.Namespace
	pod, err := s.Client.GetPod(ctx, namespace, place.Name)
	switch {
	case err != nil:
		return err
	case place.Namespace != namespace || string(pod.UID) != place.UID:
		return errors.New("it is not the recorded pod")
	}
	var selects bool
	switch e := t.Executor.(type) {
	case task.Service:
		var target string
		if target, err = s.cluster().FindWorkload(ctx, namespace, s.Release.Name, e.Name, cmp.Or(e.Label, task.ServiceLabel)); err == nil {
			selects, err = s.cluster().Selects(ctx, namespace, target, pod)
		}
	case task.Exec:
		selects, err = s.selects(ctx, e, pod)
	}
	if err == nil && !selects {
		err = errors.New("the task does not select this pod")
	}
	return err
}

// selects reports whether an exec task can run in a pod.
func (s *Steps) selects(ctx context.Context, e task.Exec, pod *corev1.Pod) (bool, error) {
	switch {
	case e.Target != "":
		return s.cluster().Selects(ctx, s.Release.Namespace, e.Target, pod)
	case e.Selector != "":
		selector, err := labels.Parse(e.Selector)
		return err == nil && selector.Matches(labels.Set(pod.Labels)), err
	}
	objects, err := s.ofNamespace()
	if err != nil {
		return false, err
	}
	for _, w := range workload.Of(objects) {
		if selects, err := s.cluster().Selects(ctx, s.Release.Namespace, kube.Name(w), pod); selects || err != nil {
			return selects, err
		}
	}
	return false, nil
}

// sentByExec returns the variables of this machine whose values are in the command of an exec task.
func sentByExec(e task.Executor) []string { return e.(task.Exec).Command.Local }
