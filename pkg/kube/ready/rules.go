package ready

import (
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// Verdict is the result of a rule.
type Verdict int

// The verdicts of a rule. Unknown is that of an object whose status follows no convention.
const (
	NotYet Verdict = iota
	Ready
	Failed
	Unknown
)

// Rule judges a state of an object. The reason is why it is not ready or, of a ready object, what its user should know.
type Rule func(o *unstructured.Unstructured) (v Verdict, reason string)

// WaitAnnotation excludes an object from waits when its value is "false".
const WaitAnnotation = "kubectl-tasks.io/wait"

// rules are those of the Kubernetes kinds that become ready. All other Kubernetes kinds are ready when they exist.
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

// IsWaitedFor reports whether a wait may watch the object: its kind is custom, or a Kubernetes kind that becomes ready.
func IsWaitedFor(o *unstructured.Unstructured) bool {
	if o.GetKind() == "Service" && !isCustom(o) {
		v, _ := serviceRule(o)
		return v != Ready // it has an address to wait for
	}
	_, known := rules[o.GroupVersionKind().GroupKind()]
	return known || isCustom(o)
}

// ruleOf returns the rule for an object of any kind.
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

// isCustom reports whether the kind of the object is not one of Kubernetes.
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

// customRule judges a custom resource by the conventions of kstatus, if its status follows any.
func customRule(o *unstructured.Unstructured) (Verdict, string) {
	conventional := false
	for _, name := range []string{"Ready", "Reconciling", "Stalled"} {
		conventional = conventional || conditionOf(o, name) != nil
	}
	if !conventional {
		return Unknown, "its status has none of the usual conditions"
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

// inStatus returns a number of the object's status; 0 when it is missing.
func inStatus(o *unstructured.Unstructured, field string) int64 {
	n, _, _ := unstructured.NestedInt64(o.Object, "status", field)
	return n
}
