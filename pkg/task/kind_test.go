package task

import "testing"

func TestMeantKind(t *testing.T) {
	for kind, want := range map[string]string{
		"deployment": "", "Deployments": "", "deploy": "", "po": "", "certificate": "", "rollout": "", "cluster": "", "kafka": "", "route": "",
		"postgresql": "", "deployement.example.com": "", "xy": "", "node": "",
		"deployement": "deployment", "Deploymnet": "deployment", "statfulset": "statefulset", "servcie": "service", "configmpa": "configmap", "deamonset": "daemonset",
	} {
		if got := SuggestKind(kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}
