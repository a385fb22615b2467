package ready

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// deploymentRule takes a paused Deployment for ready, as Helm does: it does not roll out before it is resumed.
func deploymentRule(o *unstructured.Unstructured) (Verdict, string) {
	if paused, _, _ := unstructured.NestedBool(o.Object, "spec", "paused"); paused {
		return Ready, "it is paused: its pods stay as they are until it is resumed"
	}
	return statusRule(o)
}

// onDelete is the update strategy of StatefulSets and DaemonSets that does not replace pods by itself.
const (
	onDelete   = "OnDelete"
	leftToUser = "its update strategy OnDelete replaces a pod when it is deleted"
)

// statefulSetRule waits until all pods are available, and until those that the update strategy replaces by itself have
// the newest revision. kstatus takes every StatefulSet with OnDelete for ready, and ignores minReadySeconds.
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

// olderPods returns the note about n pods of an older revision.
func olderPods(n int64, because string) string {
	if n == 1 {
		return "1 pod is of an older revision; " + because
	}
	return fmt.Sprintf("%d pods are of an older revision; %s", n, because)
}

// daemonSetRule judges by kstatus, but does not wait for pods of the newest revision when the update strategy replaces
// none by itself; kstatus would wait for them forever.
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

// controllerRule judges ReplicationControllers, which kstatus does not know.
func controllerRule(o *unstructured.Unstructured) (Verdict, string) {
	if v, reason := statusRule(o); v != Ready {
		return v, reason
	}
	return availableOf(o, replicas(o))
}

// podRule waits for a Pod that cannot be scheduled or crashes: both may change, and Options.Grace decides. A Pod that
// has failed never becomes ready (kstatus calls it current).
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

// replicas returns the number of pods that the workload shall have.
func replicas(o *unstructured.Unstructured) int64 {
	wanted, found, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
	if !found {
		return 1
	}
	return wanted
}

// availableOf judges whether that many pods are ready and, with minReadySeconds, available.
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
