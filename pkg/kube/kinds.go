package kube

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is one of Kubernetes' own kinds.
type kind struct {
	group, version, kind string
	// short is kubectl's short name; empty when there is none.
	short string
	// cluster reports that the objects belong to no namespace.
	cluster bool
	// workload reports that the pods are the application of a release. Those of Jobs and CronJobs are not: they end.
	workload bool
	// discovered reports that the mapper asks the server: its version differs between servers.
	discovered bool
}

// kinds is the one table of Kubernetes' own kinds: for the mapper, the rights of tasks, workloads and readiness.
var kinds = []kind{
	{version: "v1", kind: "Pod", short: "po", workload: true},
	{version: "v1", kind: "Service", short: "svc"},
	{version: "v1", kind: "ConfigMap", short: "cm"},
	{version: "v1", kind: "Secret"},
	{version: "v1", kind: "ServiceAccount", short: "sa"},
	{version: "v1", kind: "PersistentVolumeClaim", short: "pvc"},
	{version: "v1", kind: "ReplicationController", short: "rc", workload: true},
	{version: "v1", kind: "Namespace", short: "ns", cluster: true},
	{version: "v1", kind: "Node", short: "no", cluster: true},
	{group: "apps", version: "v1", kind: "Deployment", short: "deploy", workload: true},
	{group: "apps", version: "v1", kind: "StatefulSet", short: "sts", workload: true},
	{group: "apps", version: "v1", kind: "DaemonSet", short: "ds", workload: true},
	{group: "apps", version: "v1", kind: "ReplicaSet", short: "rs", workload: true},
	{group: "batch", version: "v1", kind: "Job"},
	{group: "batch", version: "v1", kind: "CronJob", short: "cj"},
	{group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler", discovered: true},
	{group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", cluster: true, discovered: true},
}

// gvk returns the group, version and kind.
func (k kind) gvk() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.group, Version: k.version, Kind: k.kind}
}

// byKind are the rows of the table, with their resources, by group and kind.
var byKind = func() map[schema.GroupKind]row {
	rows := make(map[schema.GroupKind]row, len(kinds))
	for _, k := range kinds {
		plural, _ := meta.UnsafeGuessKindToResource(k.gvk())
		rows[k.gvk().GroupKind()] = row{k, plural}
	}
	return rows
}()

// row is a kind with its resource.
type row struct {
	kind
	resource schema.GroupVersionResource
}

// ResourceOf returns the resource that a kind of Kubernetes' own is served as; false for all other kinds. It asks no
// server.
func ResourceOf(kind schema.GroupKind) (schema.GroupVersionResource, bool) {
	found, ok := byKind[kind]
	return found.resource, ok
}

// IsNamespaced reports whether the objects of a kind of Kubernetes' own belong to a namespace.
func IsNamespaced(kind schema.GroupKind) bool { return !byKind[kind].cluster }

// IsWorkload reports whether the pods of a kind are a release's application: those of a Deployment, StatefulSet,
// DaemonSet, ReplicaSet and ReplicationController, and a Pod itself.
func IsWorkload(kind schema.GroupKind) bool { return byKind[kind].workload }

// KnownResource returns the group and the resource of a KIND or KIND/NAME, with any of kubectl's names for the kind. It
// knows the kinds that every cluster has and whose objects belong to a namespace; for all others it returns false. It
// asks no server.
func KnownResource(name string) (schema.GroupResource, bool) {
	plural, _, _ := strings.Cut(name, "/")
	gvk, err := kindFor(newStaticMapper(), plural)
	found, ok := byKind[gvk.GroupKind()]
	if err != nil || !ok || found.cluster {
		return schema.GroupResource{}, false
	}
	return found.resource.GroupResource(), true
}

// kindFor returns the kind that one of kubectl's names stands for, such as "deploy" or "deployments.v1.apps".
func kindFor(mapper meta.RESTMapper, name string) (schema.GroupVersionKind, error) {
	specified, group := schema.ParseResourceArg(strings.ToLower(name))
	if specified != nil {
		if gvk, err := mapper.KindFor(*specified); err == nil {
			return gvk, nil
		}
	}
	return mapper.KindFor(group.WithVersion(""))
}

// Name returns the kind and the name of an object as kubectl writes them, such as "deployment/web".
func Name(o *unstructured.Unstructured) string {
	return strings.ToLower(o.GetKind()) + "/" + o.GetName()
}
