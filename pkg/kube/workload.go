package kube

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// workloads are the kinds whose pods are a release's application, with the resource that each
// is served as. Jobs and CronJobs are not among them: their pods end.
var workloads = map[schema.GroupKind]schema.GroupVersionResource{
	{Kind: "Pod"}:                        {Version: "v1", Resource: "pods"},
	{Kind: "ReplicationController"}:      {Version: "v1", Resource: "replicationcontrollers"},
	{Group: "apps", Kind: "Deployment"}:  {Group: "apps", Version: "v1", Resource: "deployments"},
	{Group: "apps", Kind: "StatefulSet"}: {Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Group: "apps", Kind: "DaemonSet"}:   {Group: "apps", Version: "v1", Resource: "daemonsets"},
	{Group: "apps", Kind: "ReplicaSet"}:  {Group: "apps", Version: "v1", Resource: "replicasets"},
}

// Workloads returns those of the objects that run an application's pods: Deployments,
// StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers and Pods. The order stays.
func Workloads(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, o := range objects {
		if _, ok := workloads[o.GroupVersionKind().GroupKind()]; ok {
			found = append(found, o)
		}
	}
	return found
}

// Name returns kind/name of an object as kubectl writes it, such as "deployment/web".
func Name(o *unstructured.Unstructured) string {
	return strings.ToLower(o.GetKind()) + "/" + o.GetName()
}
