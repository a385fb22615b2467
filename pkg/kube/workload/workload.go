package workload

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Finder finds workloads, their pods and their templates in a cluster, and scales them.
type Finder struct{ Client *kube.Client }

// Of returns the workloads among the objects: Deployments, StatefulSets, DaemonSets, ReplicaSets,
// ReplicationControllers and Pods. The order stays.
func Of(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, o := range objects {
		if kube.IsWorkload(o.GroupVersionKind().GroupKind()) {
			found = append(found, o)
		}
	}
	return found
}

// PreferLabelled returns the workloads whose pods carry the label, with any value; all when none does.
func PreferLabelled(workloads []*unstructured.Unstructured, label string) []*unstructured.Unstructured {
	var labelled []*unstructured.Unstructured
	for _, w := range workloads {
		podLabels, _, _ := unstructured.NestedStringMap(w.Object, "spec", "template", "metadata", "labels")
		if w.GetKind() == "Pod" {
			podLabels = w.GetLabels()
		}
		if _, ok := podLabels[label]; ok {
			labelled = append(labelled, w)
		}
	}
	if len(labelled) > 0 {
		return labelled
	}
	return workloads
}
