package workload

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestMatch(t *testing.T) {
	workload := func(kind, name, release string, labels map[string]string) candidate {
		o := metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{releaseAnnotation: release}}}
		return candidate{kind + "/" + name, o}
	}
	all := []candidate{
		workload("deployment", "nginx-v2", "web", map[string]string{"lagoon.sh/service": "nginx"}),
		workload("deployment", "nginx", "", nil),
		workload("deployment", "web-cli", "web", nil),
		workload("deployment", "other-cli", "other", nil),
		workload("statefulset", "db", "web", nil),
		workload("deployment", "one", "web", map[string]string{"app.kubernetes.io/component": "worker"}),
		workload("daemonset", "two", "other", map[string]string{"app.kubernetes.io/name": "worker"}),
		workload("deployment", "a", "", map[string]string{"lagoon.sh/service": "same"}),
		workload("deployment", "b", "", map[string]string{"lagoon.sh/service": "same"}),
		workload("deployment", "mine", "", map[string]string{"tier": "back"}),
	}
	tests := []struct{ service, release, label, want string }{
		{"nginx", "web", "lagoon.sh/service", "deployment/nginx-v2"},
		{"nginx", "web", "tier", "deployment/nginx"},
		{"cli", "web", "lagoon.sh/service", "deployment/web-cli"},
		{"cli", "", "lagoon.sh/service", `no deployment for service "cli" in namespace "ns"`},
		{"db", "", "lagoon.sh/service", "statefulset/db"},
		{"worker", "web", "lagoon.sh/service", "deployment/one"},
		{"worker", "other", "lagoon.sh/service", "daemonset/two"},
		{"worker", "", "lagoon.sh/service", `service "worker" in namespace "ns" matches deployment/one, daemonset/two: give one of them the label lagoon.sh/service: worker`},
		{"same", "web", "lagoon.sh/service", "matches deployment/a, deployment/b"},
		{"back", "web", "tier", "deployment/mine"},
	}
	for _, tt := range tests {
		got, err := match(all, "ns", tt.release, tt.service, tt.label)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%s of release %q: %s, want %s", tt.service, tt.release, got, tt.want)
		}
	}
}
