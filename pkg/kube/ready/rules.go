package ready

import (
	"fmt"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// Verdict is what a rule says about an object.
type Verdict int

// The verdicts of a rule. An object about which nothing can be said has no status that anybody agreed on.
const (
	NotYet Verdict = iota
	Ready
	Failed
	Nothing
)

// Rule judges a state of an object; the reason says why it is not ready or, of one that is, what its user should know.
type Rule func(o *unstructured.Unstructured) (v Verdict, reason string)

// WaitAnnotation on an object, with the value "false", keeps it from being waited for.
const WaitAnnotation = "kubectl-tasks.io/wait"

// rules are for the kinds of Kubernetes' own that have to become ready. All others of its own are ready when they exist.
var rules = map[schema.GroupKind]Rule{
	{Kind: "Pod"}:                        podRule,
	{Kind: "ReplicationController"}:      controllerRule,
	{Group: "apps", Kind: "Deployment"}:  deploymentRule,
	{Group: "apps", Kind: "StatefulSet"}: statefulSetRule,
	{Group: "apps", Kind: "DaemonSet"}:   daemonSetRule,
	{Group: "apps", Kind: "ReplicaSet"}:  statusRule,
	{Group: "batch", Kind: "Job"}:        jobRule,
	{Kind: "Service"}:                    serviceRule,
	{Kind: "PersistentVolumeClaim"}:      statusRule,

	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:           autoscalerRule,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: statusRule,
}

// IsWaitedFor reports whether a wait may watch the object: when it is of a kind of Kubernetes' own that becomes ready,
// or of another's.
func IsWaitedFor(o *unstructured.Unstructured) bool {
	if o.GetKind() == "Service" && !isCustom(o) {
		v, _ := serviceRule(o)
		return v != Ready // it has an address to wait for
	}
	_, known := rules[o.GroupVersionKind().GroupKind()]
	return known || isCustom(o)
}

// ruleOf returns the rule for an object, whatever it is.
func (r Options) ruleOf(o *unstructured.Unstructured) Rule {
	kind := o.GroupVersionKind().GroupKind()
	if rule := r.Rules[kind]; rule != nil {
		return rule
	}
	if rule := rules[kind]; rule != nil {
		return rule
	}
	return statusRule
}

// isCustom reports whether the object is of a kind that is not Kubernetes' own.
func isCustom(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return !scheme.Scheme.IsGroupRegistered(gvk.Group) && !strings.HasSuffix(gvk.Group, ".k8s.io")
}

// statusRule judges by kstatus (github.com/fluxcd/cli-utils/pkg/kstatus).
func statusRule(o *unstructured.Unstructured) (Verdict, string) {
	result, err := status.Compute(o)
	if err != nil {
		return NotYet, err.Error()
	}
	switch result.Status {
	case status.CurrentStatus:
		return Ready, ""
	case status.FailedStatus:
		return Failed, result.Message
	default:
		return NotYet, result.Message
	}
}

// deploymentRule does not wait for a Deployment that is paused, which does not roll out until it is resumed; Helm
// does not either.
func deploymentRule(o *unstructured.Unstructured) (Verdict, string) {
	if paused, _, _ := unstructured.NestedBool(o.Object, "spec", "paused"); paused {
		return Ready, "it is paused: its pods stay as they are until it is resumed"
	}
	return statusRule(o)
}

// onDelete is the update strategy of StatefulSets and DaemonSets that replaces no pod by itself.
const (
	onDelete   = "OnDelete"
	leftToUser = "its update strategy OnDelete replaces a pod when it is deleted"
)

// statefulSetRule waits for all pods to be available, those that the update strategy replaces by itself in the newest
// revision. kstatus takes every StatefulSet with OnDelete for ready, and does not know minReadySeconds.
func statefulSetRule(o *unstructured.Unstructured) (Verdict, string) {
	if v, reason := statusRule(o); v != Ready {
		return v, reason
	}
	wanted := replicas(o)
	if of := inStatus(o, "replicas"); of > wanted {
		return NotYet, fmt.Sprintf("Pending termination: %d", of-wanted)
	}
	if v, reason := availableOf(o, wanted); v != Ready {
		return v, reason
	}
	strategy, _, _ := unstructured.NestedString(o.Object, "spec", "updateStrategy", "type")
	partition, _, _ := unstructured.NestedInt64(o.Object, "spec", "updateStrategy", "rollingUpdate", "partition")
	old := wanted - inStatus(o, "updatedReplicas")
	switch {
	case old <= 0:
	case strategy == onDelete:
		return Ready, olderPods(old, leftToUser)
	case partition > 0:
		return Ready, olderPods(old, fmt.Sprintf("its partition is %d", partition))
	}
	return Ready, ""
}

func olderPods(n int64, because string) string {
	if n == 1 {
		return "1 pod is of an older revision; " + because
	}
	return fmt.Sprintf("%d pods are of an older revision; %s", n, because)
}

// daemonSetRule judges by kstatus, which waits for pods of the newest revision without end when the update strategy
// replaces none by itself.
func daemonSetRule(o *unstructured.Unstructured) (Verdict, string) {
	if strategy, _, _ := unstructured.NestedString(o.Object, "spec", "updateStrategy", "type"); strategy != onDelete {
		return statusRule(o)
	}
	wanted := inStatus(o, "desiredNumberScheduled")
	old := wanted - inStatus(o, "updatedNumberScheduled")
	if old > 0 {
		o = o.DeepCopy()
		_ = unstructured.SetNestedField(o.Object, wanted, "status", "updatedNumberScheduled")
	}
	v, reason := statusRule(o)
	if v == Ready && old > 0 {
		reason = olderPods(old, leftToUser)
	}
	return v, reason
}

// replicas returns how many pods the workload is to have.
func replicas(o *unstructured.Unstructured) int64 {
	wanted, found, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
	if !found {
		return 1
	}
	return wanted
}

// inStatus returns a number of the object's status; 0 when it has none.
func inStatus(o *unstructured.Unstructured, field string) int64 {
	n, _, _ := unstructured.NestedInt64(o.Object, "status", field)
	return n
}

// availableOf judges whether so many pods are ready and, where the workload says how long, have been for that long.
func availableOf(o *unstructured.Unstructured, wanted int64) (Verdict, string) {
	if ready := inStatus(o, "readyReplicas"); ready < wanted {
		return NotYet, fmt.Sprintf("Ready: %d/%d", ready, wanted)
	}
	// Servers before 1.22 do not count the available pods of a StatefulSet, and have no minReadySeconds for it.
	least, _, _ := unstructured.NestedInt64(o.Object, "spec", "minReadySeconds")
	if available := inStatus(o, "availableReplicas"); least > 0 && available < wanted {
		return NotYet, fmt.Sprintf("Available: %d/%d", available, wanted)
	}
	return Ready, ""
}

// podRule waits for a Pod that cannot be scheduled or crashes: both may change, and the wait's grace decides.
// One that has failed is never ready (kstatus calls it current).
func podRule(o *unstructured.Unstructured) (Verdict, string) {
	phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	v, reason := statusRule(o)
	switch {
	case phase == "Failed":
		return Failed, "the pod has failed"
	case v == Failed:
		return NotYet, reason
	}
	return v, reason
}

// controllerRule judges ReplicationControllers, which kstatus does not know.
func controllerRule(o *unstructured.Unstructured) (Verdict, string) {
	if v, reason := statusRule(o); v != Ready {
		return v, reason
	}
	return availableOf(o, replicas(o))
}

// jobRule waits for a Job's end; to kstatus one is current as soon as it has started.
func jobRule(o *unstructured.Unstructured) (Verdict, string) {
	for _, name := range []string{"Complete", "SuccessCriteriaMet"} {
		if conditionOf(o, name)["status"] == "True" {
			return Ready, ""
		}
	}
	if failed := conditionOf(o, "Failed"); failed["status"] == "True" {
		return Failed, fmt.Sprintf("%v: %v", failed["reason"], failed["message"])
	}
	active, _, _ := unstructured.NestedInt64(o.Object, "status", "active")
	succeeded, _, _ := unstructured.NestedInt64(o.Object, "status", "succeeded")
	return NotYet, fmt.Sprintf("Succeeded: %d, active: %d", succeeded, active)
}

// autoscalerRule waits for an autoscaler that says that it cannot scale, for there is nothing to scale or it may
// not. One that says nothing yet is ready: its first word comes after a quarter of a minute, and that it has no
// metrics is usual in a cluster without a metrics server.
func autoscalerRule(o *unstructured.Unstructured) (Verdict, string) {
	if able := conditionOf(o, "AbleToScale"); able["status"] == "False" {
		return NotYet, fmt.Sprintf("%v: %v", able["reason"], able["message"])
	}
	return Ready, ""
}

// serviceRule waits for the address of a load balancer, as Helm does; kstatus does not.
func serviceRule(o *unstructured.Unstructured) (Verdict, string) {
	kind, _, _ := unstructured.NestedString(o.Object, "spec", "type")
	external, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "externalIPs")
	ingress, _, _ := unstructured.NestedSlice(o.Object, "status", "loadBalancer", "ingress")
	if kind == "LoadBalancer" && len(external) == 0 && len(ingress) == 0 {
		return NotYet, "the load balancer has no address"
	}
	return Ready, ""
}

// customRule judges a custom resource by kstatus' conventions, if it follows any.
func customRule(o *unstructured.Unstructured) (Verdict, string) {
	conventional := false
	for _, name := range []string{"Ready", "Reconciling", "Stalled"} {
		conventional = conventional || conditionOf(o, name) != nil
	}
	if !conventional {
		return Nothing, "its status has none of the usual conditions"
	}
	return statusRule(o)
}

// conditionOf returns a condition of the object's status; nil when it has none of that type.
func conditionOf(o *unstructured.Unstructured, name string) map[string]any {
	// Not NestedSlice, which copies.
	conditions, _, _ := unstructured.NestedFieldNoCopy(o.Object, "status", "conditions")
	all, _ := conditions.([]any)
	for _, c := range all {
		if m, ok := c.(map[string]any); ok && m["type"] == name {
			return m
		}
	}
	return nil
}
