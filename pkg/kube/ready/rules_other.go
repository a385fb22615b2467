package ready

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// jobRule waits for a Job's end; kstatus takes a Job for current as soon as it has started.
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

// autoscalerRule waits for an autoscaler that reports that it cannot scale: its target is missing, or it lacks a right.
// An autoscaler without conditions is ready: it sets the first ones after 15 seconds, and often has no metrics in a
// cluster without a metrics server.
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
