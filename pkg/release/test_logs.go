package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	helmrelease "helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
)

// writeLogs writes the logs of the tests as Helm's action.ReleaseTesting.GetPodLogs does, and also those of all containers
// and of the pods of Jobs. A log that cannot be read results in a note, not in an error.
func (t *Test) writeLogs(out io.Writer) error {
	client, err := t.helm.client.Factory.KubernetesClientSet()
	if err != nil {
		return err
	}
	for _, o := range t.objects() {
		pods, err := podsOf(t.helm.client.ctx, client, o)
		if err != nil {
			t.noLogs(o.GetKind(), o.GetName(), err)
		}
		for _, p := range pods {
			for _, c := range p.Spec.Containers {
				title := p.Name
				if len(p.Spec.Containers) > 1 {
					title += " " + c.Name
				}
				log, err := client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{Container: c.Name}).Stream(t.helm.client.ctx)
				if err != nil {
					t.noLogs("container "+c.Name+" of pod", p.Name, err)
					continue
				}
				fmt.Fprintf(out, "POD LOGS: %s\n", title)
				masked := mask.NewWriter(t.secretsOf(&p), out)
				_, err = io.Copy(masked, log)
				log.Close()
				err = errors.Join(err, masked.Close())
				fmt.Fprintln(out)
				if err != nil {
					t.noLogs("container "+c.Name+" of pod", p.Name, err)
				}
			}
		}
	}
	return nil
}

// secretsOf returns the values of the Secrets that a test's pod uses. The first time that some cannot be read, it
// prints a note that names them.
func (t *Test) secretsOf(pod *corev1.Pod) *mask.Secrets {
	secrets := &mask.Secrets{}
	if t.SecretsOf == nil {
		return secrets
	}
	values, err := t.SecretsOf(t.helm.client.ctx, pod)
	secrets.AddValues(values)
	if err != nil && !t.warned {
		t.warned = true
		fmt.Fprintf(t.helm.ErrOut, "note: secrets that the tests print will be shown: %v\n", err)
	}
	return secrets
}

func (t *Test) noLogs(kind, name string, err error) {
	fmt.Fprintf(t.helm.ErrOut, "note: no logs of %s %s: %v\n", kind, name, err)
}

// objects returns the objects that the tests created, in their order. Of tests that Helm ran, it returns the objects of
// the manifests.
func (t *Test) objects() []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, h := range t.executed {
		all = append(all, h.objects...)
	}
	if t.helm.runsHooks() {
		return all
	}
	for _, h := range t.release.Hooks {
		if slices.Contains(h.Events, helmrelease.HookTest) && t.selected(h) {
			parsed, _ := objects(h.Manifest, t.helm.namespace) // Helm has parsed it before
			all = append(all, parsed...)
		}
	}
	return all
}

// podsOf returns a Pod, or the pods of a Job, by its UID if that is known; nothing for other kinds.
func podsOf(ctx context.Context, client kubernetes.Interface, o *unstructured.Unstructured) ([]corev1.Pod, error) {
	pods := client.CoreV1().Pods(o.GetNamespace())
	switch o.GroupVersionKind().GroupKind().String() {
	case "Pod":
		p, err := pods.Get(ctx, o.GetName(), metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return []corev1.Pod{*p}, nil
	case "Job.batch":
		list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "job-name=" + o.GetName()})
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return o.GetUID() != "" && !metav1.IsControlledBy(&p, o) }), nil
	}
	return nil, nil
}
