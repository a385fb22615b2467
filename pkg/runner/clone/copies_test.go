package clone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// cluster is a fake with some objects and claims.
type cluster struct {
	Cluster

	live []*unstructured.Unstructured
	uses map[string]kube.ClaimUse
}

func (c cluster) Live(_ context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if o.GetName() == "forbidden" {
		return nil, errors.New("no right")
	}
	return find(c.live, o.GetKind(), o.GetName(), o.GetNamespace()), nil
}

func (c cluster) ClaimUse(_ context.Context, _, claim string) (kube.ClaimUse, error) {
	use, ok := c.uses[claim]
	if !ok {
		return use, errors.New("not found")
	}
	return use, nil
}

// object returns an object from "Kind/name field key=value".
func object(text string) *unstructured.Unstructured {
	id, data, _ := strings.Cut(text, " ")
	kind, name, _ := strings.Cut(id, "/")
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "immutable": true}}
	o.SetName(name)
	o.SetNamespace("ns")
	o.SetLabels(map[string]string{"app": "web"})
	if field, entry, ok := strings.Cut(data, " "); ok {
		k, v, _ := strings.Cut(entry, "=")
		_ = unstructured.SetNestedField(o.Object, v, field, k)
	}
	return o
}

func objects(texts ...string) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, t := range texts {
		all = append(all, object(t))
	}
	return all
}

func TestCopies(t *testing.T) {
	reference := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	spec := &corev1.PodSpec{
		ServiceAccountName: "account", ImagePullSecrets: []corev1.LocalObjectReference{reference("pull")},
		Volumes: []corev1.Volume{
			{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: reference("changed")}}},
			{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "same"}}},
			{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: reference("changed")}},
				{Secret: &corev1.SecretProjection{LocalObjectReference: reference("new")}},
			}}}},
			{VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
		InitContainers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: reference("elsewhere")}}, {SecretRef: &corev1.SecretEnvSource{LocalObjectReference: reference("new")}},
		}}},
		Containers: []corev1.Container{{Env: []corev1.EnvVar{
			{Name: "A", Value: "1"},
			{Name: "B", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: reference("changed")}}},
			{Name: "C", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: reference("same")}}},
			{Name: "D", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{}}},
		}}},
	}
	next := objects("ServiceAccount/account", "ConfigMap/changed data k=2", "Secret/same stringData k=v", "Secret/new data k=dg==", "Secret/pull data k=dg==", "ConfigMap/unused data k=1")
	live := objects("ConfigMap/changed data k=1", "Secret/same data k=dg==", "Secret/pull data k=dg==", "ConfigMap/elsewhere data k=1")
	r := Runner{Cluster: cluster{live: live}, Pods: pod.Runner{Namespace: "ns"}}
	copies, err := r.copies(t.Context(), next, spec)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, c := range copies {
		base := c.GetName()[:strings.LastIndex(c.GetName(), "-")]
		made = append(made, c.GetKind()+"/"+base)
		if c.GetLabels()["app"] != "" || c.Object["immutable"] != nil || c.GetNamespace() != "ns" {
			t.Errorf("%v", c.Object)
		}
	}
	slices.Sort(made)
	if diff := cmp.Diff([]string{"ConfigMap/changed", "Secret/new", "ServiceAccount/account"}, made); diff != "" {
		t.Error(diff)
	}
	var names []string
	visit(spec, func(kind string, name *string) {
		base := *name
		if i := strings.LastIndex(base, "-"); i > 0 {
			base = base[:i] + "-*"
		}
		names = append(names, kind+"/"+base)
	})
	want := []string{
		"ServiceAccount/account-*", "Secret/pull", "ConfigMap/changed-*", "Secret/same", "ConfigMap/changed-*", "Secret/new-*",
		"ConfigMap/elsewhere", "Secret/new-*", "ConfigMap/changed-*", "Secret/same",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if spec.DeprecatedServiceAccount != spec.ServiceAccountName {
		t.Errorf("serviceAccount %q, serviceAccountName %q", spec.DeprecatedServiceAccount, spec.ServiceAccountName)
	}

	spec = &corev1.PodSpec{ServiceAccountName: "forbidden"}
	if _, err := r.copies(t.Context(), objects("ServiceAccount/forbidden"), spec); err == nil {
		t.Error("what cannot be looked at is copied")
	}
}

func TestCheckClaims(t *testing.T) {
	user := []corev1.Pod{{Spec: corev1.PodSpec{NodeName: "n1"}}}
	user[0].Name = "db-0"
	r := Runner{Pods: pod.Runner{Namespace: "ns"}, Cluster: cluster{uses: map[string]kube.ClaimUse{
		"shared": {}, "free": {OneNode: true}, "used": {OneNode: true, Pods: user}, "alone": {OneNode: true, OnePod: true, Pods: user},
	}}}
	for claim, want := range map[string]string{
		"shared": "", "free": "",
		"used":  "note PersistentVolumeClaim used is ReadWriteOnce and in use by pod db-0: the clone can run on its node n1 only",
		"alone": "error PersistentVolumeClaim alone is ReadWriteOncePod and in use by pod db-0 on node n1: no other pod can use it",
		"none":  `error PersistentVolumeClaim none in namespace "ns", which the pod needs: not found`,
	} {
		got := ""
		spec := corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}}
		err := r.checkClaims(t.Context(), spec, func(o task.Output) { got = "note " + strings.TrimSpace(string(o.Data)) })
		if err != nil {
			got = fmt.Sprintf("error %v", err)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", claim, got, want)
		}
	}
}

// TestQueue: the label of a queue is kept only on request, and the task's own label takes precedence.
func TestQueue(t *testing.T) {
	from := template()
	from.Labels[queueLabel] = "theirs"
	for _, tt := range []struct {
		clone task.Clone
		want  map[string]string
	}{
		{task.Clone{}, nil},
		{task.Clone{Queue: true}, map[string]string{queueLabel: "theirs"}},
		{task.Clone{Queue: true, Labels: map[string]string{queueLabel: "mine", "a": "b"}}, map[string]string{queueLabel: "mine", "a": "b"}},
		{task.Clone{Queue: true, Labels: map[string]string{"a": "b"}}, map[string]string{queueLabel: "theirs", "a": "b"}},
	} {
		tt.clone.Command.Argv = []string{"x"}
		made, err := build(from, tt.clone)
		if diff := cmp.Diff(tt.want, made.Labels, cmp.Transformer("empty", func(m map[string]string) string { return fmt.Sprint(m) })); diff != "" || err != nil {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
	}
}
