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

// SuggestKind returns the kind that was probably meant by KIND of KIND/NAME, when it is none that every cluster has;
// "" when it is one, when none is near, and when a group is named with it (KIND.GROUP).
func SuggestKind(kind string) string {
	kind = strings.ToLower(kind)
	if slices.Contains(kinds, kind) || strings.Contains(kind, ".") {
		return ""
	}
	// A name of few letters is near to many: OpenShift's routes are no roles.
	const long = 7
	if meant := Nearest(kind, kinds); len(meant) >= long && len(kind) >= long {
		return meant
	}
	return ""
}
