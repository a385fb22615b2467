package kube

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestKnownResource(t *testing.T) {
	tests := map[string]schema.GroupResource{
		"deploy/web":               {Group: "apps", Resource: "deployments"},
		"Deployment/web":           {Group: "apps", Resource: "deployments"},
		"statefulsets.apps/db":     {Group: "apps", Resource: "statefulsets"},
		"deployments.v1.apps/web":  {Group: "apps", Resource: "deployments"},
		"po":                       {Resource: "pods"},
		"services/web":             {Resource: "services"},
		"cj/x":                     {Group: "batch", Resource: "cronjobs"},
		"persistentvolumeclaims/x": {Resource: "persistentvolumeclaims"},
		"node/a":                   {},
		"hpa/a":                    {},
		"certificate/web":          {},
		"":                         {},
	}
	for name, want := range tests {
		if got, ok := KnownResource(name); got != want || ok != (want != schema.GroupResource{}) {
			t.Errorf("KnownResource(%q) = %v, %v, want %v", name, got, ok, want)
		}
	}
}

// TestKinds: the plural of each kind is the one that the mapper knows, or the server has.
func TestKinds(t *testing.T) {
	plurals := map[schema.GroupKind]string{
		{Kind: "Pod"}: "pods", {Kind: "ReplicationController"}: "replicationcontrollers", {Kind: "Service"}: "services",
		{Kind: "PersistentVolumeClaim"}: "persistentvolumeclaims", {Group: "apps", Kind: "Deployment"}: "deployments",
		{Group: "apps", Kind: "StatefulSet"}: "statefulsets", {Group: "apps", Kind: "DaemonSet"}: "daemonsets",
		{Group: "apps", Kind: "ReplicaSet"}: "replicasets", {Group: "batch", Kind: "Job"}: "jobs",
		{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:           "horizontalpodautoscalers",
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: "customresourcedefinitions",
	}
	for kind, want := range plurals {
		if got, ok := ResourceOf(kind); !ok || got.Resource != want || got.Group != kind.Group {
			t.Errorf("ResourceOf(%v) = %v, %v", kind, got, ok)
		}
	}
}
