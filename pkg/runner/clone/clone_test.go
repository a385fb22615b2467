package clone

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func template() *workload.Template {
	probe, always, seconds := &corev1.Probe{}, corev1.ContainerRestartPolicyAlways, int64(5)
	t := &workload.Template{Of: "deployment/web", Claims: []string{"own"}}
	t.ObjectMeta = metav1.ObjectMeta{Labels: map[string]string{"app": "web", "pod-template-hash": "1"}}
	t.Spec = corev1.PodSpec{
		NodeName: "n", Hostname: "h", ActiveDeadlineSeconds: &seconds, ServiceAccountName: "sa",
		Affinity:       &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}},
		InitContainers: []corev1.Container{{Name: "proxy", RestartPolicy: &always, StartupProbe: probe, ReadinessProbe: probe}},
		Containers: []corev1.Container{
			{
				Name: "web", Image: "i", Command: []string{"serve"}, Args: []string{"-v"},
				Env:           []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}},
				LivenessProbe: probe, ReadinessProbe: probe, StartupProbe: probe, Lifecycle: &corev1.Lifecycle{},
				Ports: []corev1.ContainerPort{{ContainerPort: 80}},
			},
			{Name: "log"},
			{Name: "claims", VolumeMounts: []corev1.VolumeMount{{Name: "own"}}},
		},
		Volumes: []corev1.Volume{{Name: "v"}},
	}
	return t
}

func TestBuild(t *testing.T) {
	before := template()
	got, err := build(before, task.Clone{
		Command: task.Command{Argv: []string{"migrate"}}, Env: []corev1.EnvVar{{Name: "A", Value: "9"}}, Sidecars: []string{"log"},
	})
	if err != nil {
		t.Fatal(err)
	}
	always := corev1.ContainerRestartPolicyAlways
	want := task.Pod{Main: "web", Spec: corev1.PodSpec{
		ServiceAccountName: "sa",
		Affinity:           &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}},
		InitContainers:     []corev1.Container{{Name: "proxy", RestartPolicy: &always, StartupProbe: &corev1.Probe{}}},
		Containers: []corev1.Container{
			{Name: "web", Image: "i", Command: []string{"migrate"}, Env: []corev1.EnvVar{{Name: "B", Value: "2"}, {Name: "A", Value: "9"}}},
			{Name: "log"},
		},
		Volumes: []corev1.Volume{{Name: "v"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(template(), before); diff != "" {
		t.Errorf("the template was changed:\n%s", diff)
	}
}

func TestBuildErrors(t *testing.T) {
	for want, c := range map[string]task.Clone{
		`deployment/web has no container "x"; it has web, log, claims`:                                                                          {Container: "x"},
		`deployment/web has no container "y"; it has web, log, claims`:                                                                          {Sidecars: []string{"y"}},
		`container claims of deployment/web mounts "own", and each of its pods has its own claim for it: use exec, or a pod that names a claim`: {Container: "claims"},
	} {
		if _, err := build(template(), c); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
