package task

import (
	"slices"
	"strings"
)

// kinds are kubectl's names for the kinds that every cluster has.
var kinds = strings.Fields(`
	pod pods po service services svc endpoints ep configmap configmaps cm secret secrets serviceaccount serviceaccounts sa
	persistentvolumeclaim persistentvolumeclaims pvc persistentvolume persistentvolumes pv
	replicationcontroller replicationcontrollers rc namespace namespaces ns node nodes no event events ev
	limitrange limitranges limits resourcequota resourcequotas quota
	deployment deployments deploy statefulset statefulsets sts daemonset daemonsets ds replicaset replicasets rs
	job jobs cronjob cronjobs cj ingress ingresses ing ingressclass ingressclasses networkpolicy networkpolicies netpol
	endpointslice endpointslices horizontalpodautoscaler horizontalpodautoscalers hpa
	poddisruptionbudget poddisruptionbudgets pdb role roles rolebinding rolebindings
	clusterrole clusterroles clusterrolebinding clusterrolebindings storageclass storageclasses sc
	customresourcedefinition customresourcedefinitions crd crds priorityclass priorityclasses pc lease leases`)

// SuggestKind returns the kind that KIND of KIND/NAME probably means, when it is not one that every cluster has. It returns
// "" when it is one, when no name is similar, and when a group is part of it (KIND.GROUP).
func SuggestKind(kind string) string {
	kind = strings.ToLower(kind)
	if slices.Contains(kinds, kind) || strings.Contains(kind, ".") {
		return ""
	}
	// Short names are similar to many: OpenShift's routes are not roles.
	const long = 7
	if meant := Nearest(kind, kinds); len(meant) >= long && len(kind) >= long {
		return meant
	}
	return ""
}
