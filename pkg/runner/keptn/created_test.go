package keptn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: "ns"} }

// chart are objects that Helm is going to apply.
func chart(objects ...map[string]any) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, o := range objects {
		all = append(all, &unstructured.Unstructured{Object: o})
	}
	return all
}

func object(kind, name, key, value string) map[string]any {
	field := "data"
	if kind == "Secret" {
		field = "stringData"
	}
	return map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}, field: map[string]any{key: value}}
}

// state describes the ConfigMaps and Secrets of the namespace, with * for the random suffixes of names.
func state(t *testing.T, client kubernetes.Interface) []string {
	t.Helper()
	var lines []string
	draw := func(kind string, o metav1.Object, content string) {
		name := o.GetName()
		if i := strings.LastIndex(name, "-"); i > 0 && len(name)-i == 6 {
			name = name[:i] + "-*"
		}
		owner := ""
		if len(o.GetOwnerReferences()) > 0 {
			owner = " of " + o.GetOwnerReferences()[0].Name
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s%s", kind, name, content, owner))
	}
	maps, err := client.CoreV1().ConfigMaps("ns").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maps.Items {
		draw("configmap", &maps.Items[i], maps.Items[i].Data[codeKey])
	}
	secrets, err := client.CoreV1().Secrets("ns").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range secrets.Items {
		draw("secret", &secrets.Items[i], secrets.Items[i].StringData[secretKey])
	}
	slices.Sort(lines)
	return lines
}

func TestCreated(t *testing.T) {
	tests := []struct {
		name    string
		task    task.Keptn
		objects []runtime.Object
		next    []*unstructured.Unstructured
		want    []string
	}{
		{name: "nothing needed", task: task.Keptn{CodeMap: "code", Secret: "s"}},
		{name: "inline code", task: task.Keptn{Code: "x", CodeMap: "keptnfn-a"}, want: []string{"configmap keptnfn-a: x of job"}},
		{
			name: "a name that is taken", task: task.Keptn{Code: "x", CodeMap: "keptnfn-a"},
			objects: []runtime.Object{&corev1.ConfigMap{ObjectMeta: named("keptnfn-a"), Data: map[string]string{codeKey: "mine"}}},
			want:    []string{"configmap keptnfn-a-*: x of job", "configmap keptnfn-a: mine"},
		},
		{
			name: "what the chart is going to bring", task: task.Keptn{CodeMap: "code", Secret: "s"},
			next: chart(object("ConfigMap", "code", codeKey, "y"), object("Secret", "s", secretKey, "z")),
			want: []string{"configmap code-*: y of job", "secret s-*: z of job"},
		},
		{
			name: "what it has brought already", task: task.Keptn{CodeMap: "code", Secret: "s"},
			objects: []runtime.Object{&corev1.ConfigMap{ObjectMeta: named("code")}, &corev1.Secret{ObjectMeta: named("s")}},
			next:    chart(object("ConfigMap", "code", codeKey, "y"), object("Secret", "s", secretKey, "z")),
			want:    []string{"configmap code: ", "secret s: "},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			before := state(t, client)
			k := tt.task
			k.Job.Spec.Template.Spec = corev1.PodSpec{
				Volumes:    []corev1.Volume{{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: k.CodeMap}}}}},
				Containers: []corev1.Container{{Env: []corev1.EnvVar{{Name: secretKey, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: k.Secret}}}}}}},
			}
			m := created{client: client, namespace: "ns"}
			if err := m.create(t.Context(), &k, tt.next); err != nil {
				t.Fatal(err)
			}
			if err := m.own(t.Context(), &batchv1.Job{ObjectMeta: named("job")}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, state(t, client)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// The Job refers to the objects that were created.
			spec := k.Job.Spec.Template.Spec
			if len(m.configMaps) > 0 && spec.Volumes[0].ConfigMap.Name != m.configMaps[0] {
				t.Errorf("the volume is of %s, not %s", spec.Volumes[0].ConfigMap.Name, m.configMaps[0])
			}
			if from := spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name; len(m.secrets) > 0 && from != m.secrets[0] {
				t.Errorf("the variable is of %s, not %s", from, m.secrets[0])
			}
			// Objects that no Job owns are deleted.
			m.remove(t.Context(), func(o task.Output) { t.Errorf("%s", o.Data) })
			if diff := cmp.Diff(before, state(t, client)); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}
