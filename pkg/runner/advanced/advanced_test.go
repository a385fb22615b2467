package advanced

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

type api struct{ *fake.Clientset }

func (a api) Interface() (kubernetes.Interface, error) { return a.Clientset, nil }

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "ns"}
}

func labelled(name, label string) metav1.ObjectMeta {
	m := named(name)
	m.Labels = map[string]string{label: "any"}
	return m
}

func claim(name, class string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: named(name), Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class}}
}

// draw describes the parts of a pod that depend on the namespace.
func draw(p task.Pod) []string {
	var lines []string
	c := p.MainContainer()
	for _, e := range c.EnvFrom {
		if e.SecretRef != nil {
			lines = append(lines, fmt.Sprintf("env secret %s optional %v", e.SecretRef.Name, e.SecretRef.Optional != nil))
		} else {
			lines = append(lines, fmt.Sprintf("env configmap %s optional %v", e.ConfigMapRef.Name, e.ConfigMapRef.Optional != nil))
		}
	}
	for i, m := range c.VolumeMounts {
		v := p.Spec.Volumes[i]
		what := ""
		switch {
		case v.Name != m.Name:
			what = "another volume"
		case v.Secret != nil:
			what = "secret " + v.Secret.SecretName
			if v.Secret.DefaultMode != nil {
				what += fmt.Sprintf(" %o", *v.Secret.DefaultMode)
			}
		case v.PersistentVolumeClaim != nil:
			what = "claim " + v.PersistentVolumeClaim.ClaimName
		}
		lines = append(lines, fmt.Sprintf("mount %s at %s read-only %v", what, m.MountPath, m.ReadOnly))
	}
	if p.Spec.ServiceAccountName != "" {
		lines = append(lines, "account "+p.Spec.ServiceAccountName)
	}
	return lines
}

func TestBuild(t *testing.T) {
	const noAPI = "no Lagoon API in this cluster: TASK_API_HOST is empty; --var sets it"
	secret := func(name string) runtime.Object { return &corev1.Secret{ObjectMeta: named(name)} }
	all := task.Advanced{DeployerToken: true, SSHKey: true, VolumeMounts: true, Env: []corev1.EnvVar{{Name: "TASK_API_HOST", Value: "x"}}}
	tests := []struct {
		name     string
		advanced task.Advanced
		objects  []runtime.Object
		// forbidden are the resources that the user may not read.
		forbidden []string
		want      []string
		notes     []string
		err       string
	}{
		{name: "nothing there", notes: []string{noAPI}},
		{
			name: "secrets", objects: []runtime.Object{secret("lagoon-env"), secret("lagoon-platform-env"), &corev1.ConfigMap{ObjectMeta: named("lagoon-env")}},
			want: []string{"env secret lagoon-platform-env optional false", "env secret lagoon-env optional false"}, notes: []string{noAPI},
		},
		{
			name: "a ConfigMap instead of the Secret", objects: []runtime.Object{&corev1.ConfigMap{ObjectMeta: named("lagoon-env")}},
			want: []string{"env configmap lagoon-env optional false"}, notes: []string{noAPI},
		},
		{
			name: "all", advanced: all, objects: []runtime.Object{
				secret("lagoon-sshkey"), secret("lagoon-deployer-token-abc"), claim("files", "bulk"), claim("db", "block"),
				&corev1.ServiceAccount{ObjectMeta: named("lagoon-deployer"), Secrets: []corev1.ObjectReference{{Name: "other"}, {Name: "lagoon-deployer-token-gone"}, {Name: "lagoon-deployer-token-abc"}}},
				&corev1.Secret{ObjectMeta: labelled("dyn.amic", "lagoon.sh/dynamic-secret")},
			},
			want: []string{
				"mount secret lagoon-sshkey 644 at /var/run/secrets/lagoon/ssh read-only true",
				"mount secret lagoon-deployer-token-abc at /var/run/secrets/lagoon/deployer read-only true",
				"mount claim files at /storage/files read-only false",
				"mount secret dyn.amic at /var/run/secrets/lagoon/dynamic/dyn.amic read-only true",
				"account lagoon-deployer",
			},
		},
		{name: "no key", advanced: task.Advanced{SSHKey: true}, err: `secret "lagoon-sshkey" not found in namespace "ns"; required by sshKey: true`},
		{name: "no account", advanced: task.Advanced{DeployerToken: true}, err: `serviceaccount "lagoon-deployer" not found in namespace "ns"; required by deployerToken: true`},
		{name: "no claims", advanced: task.Advanced{VolumeMounts: true}, notes: []string{"volumeMounts: namespace \"ns\" has no claim of storage class bulk", noAPI}},
		{
			name: "what may not be seen is left to the cluster", advanced: task.Advanced{DeployerToken: true, SSHKey: true, Env: all.Env}, forbidden: []string{"secrets", "configmaps", "serviceaccounts"},
			want: []string{
				"env secret lagoon-platform-env optional true", "env secret lagoon-env optional true", "env configmap lagoon-env optional true",
				"mount secret lagoon-sshkey 644 at /var/run/secrets/lagoon/ssh read-only true", "account lagoon-deployer",
			},
			notes: []string{`not allowed to list secrets in namespace "ns": those with the label lagoon.sh/dynamic-secret are not mounted`},
		},
		{name: "claims that may not be seen", advanced: task.Advanced{VolumeMounts: true}, forbidden: []string{"persistentvolumeclaims"}, err: "required by volumeMounts: true: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			for _, resource := range tt.forbidden {
				client.PrependReactor("*", resource, func(k8stesting.Action) (bool, runtime.Object, error) {
					return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", nil)
				})
			}
			var notes []string
			b := builder{client: api{client}, namespace: "ns", note: func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }}
			tt.advanced.Image, tt.advanced.Payload = "i", "e30="
			p, err := b.build(t.Context(), tt.advanced)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, draw(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			c := p.MainContainer()
			if c.Name != "lagoon-task" || c.Image != "i" || c.Command != nil || *p.Spec.EnableServiceLinks ||
				c.Env[0].Value != "e30=" || c.Env[1].Value != "ns" || c.Env[2].ValueFrom.FieldRef.FieldPath != "metadata.name" {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		data string
		want any
		err  bool
	}{
		{base64.StdEncoding.EncodeToString([]byte(`{"a": [1]}`)), map[string]any{"a": []any{1.0}}, false},
		{base64.StdEncoding.EncodeToString([]byte("text")), "text", true},
		{"?", "?", true},
	}
	for _, tt := range tests {
		got, err := decode(tt.data)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != tt.err {
			t.Errorf("%s: %v\n%s", tt.data, err, diff)
		}
	}
}
