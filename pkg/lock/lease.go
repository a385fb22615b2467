package lock

import (
	"encoding/json"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// holderAnnotation has the Holder as JSON.
	holderAnnotation = "kubectl-tasks.io/holder"
	// cancelAnnotation names the user or process that asks the holder to stop.
	cancelAnnotation = "kubectl-tasks.io/cancelled-by"
)

// Holder is a process that has a lock.
type Holder struct {
	Owner

	// Run is the ID of the run that holds the lock.
	Run string `json:"run"`
}

// identity returns the holder identity of a Lease.
func identity(h Holder) string { return fmt.Sprintf("%s/%d/%s", h.Name, h.PID, h.Run) }

// holderIdentity returns the holder identity of a lease; empty when no process holds it.
func holderIdentity(lease *coordinationv1.Lease) string { return deref(lease.Spec.HolderIdentity) }

// deref returns the value of a field of a Lease. Others may write the Lease, and leave any field out.
func deref[T any](field *T) (value T) {
	if field != nil {
		value = *field
	}
	return value
}

// HolderOf returns the holder of a lease.
func HolderOf(lease *coordinationv1.Lease) Holder {
	var h Holder
	if json.Unmarshal([]byte(lease.Annotations[holderAnnotation]), &h) != nil || h.Name == "" {
		h = Holder{Owner: Owner{Name: "unknown"}}
		if who := holderIdentity(lease); who != "" {
			h.Name = who
		}
	}
	return h
}

// tenure is the time of one holder with a lease, from acquisition to release.
type tenure struct {
	uid         types.UID
	holder      string
	transitions int32
}

func tenureOf(lease *coordinationv1.Lease) tenure {
	return tenure{lease.UID, holderIdentity(lease), deref(lease.Spec.LeaseTransitions)}
}

// renewal identifies a renewal of a lease. Other changes, such as the annotation of a request to stop, do not change it.
type renewal struct {
	tenure

	renewed int64
}

func renewalOf(lease *coordinationv1.Lease) renewal {
	return renewal{tenureOf(lease), renewedAt(lease).UnixMicro()}
}

// renewedAt is when the lease was renewed, by the clock of its holder.
func renewedAt(lease *coordinationv1.Lease) time.Time { return deref(lease.Spec.RenewTime).Time }

// lease returns the Lease for a holder. live is the lease of the previous holder, or nil.
func (l Locks) lease(name string, holder Holder, live *coordinationv1.Lease) *coordinationv1.Lease {
	encoded, _ := json.Marshal(holder) // a Holder can always be encoded
	holderID, seconds, now := identity(holder), int32(leaseDuration.Seconds()), metav1.NowMicro()
	transitions := int32(0)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: l.Namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "kubectl-tasks"}}}
	if live != nil {
		lease = live.DeepCopy()
		transitions = max(0, deref(live.Spec.LeaseTransitions)+1) // others may have written it
	}
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	lease.Annotations[holderAnnotation] = string(encoded)
	delete(lease.Annotations, cancelAnnotation)
	lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &holderID, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now, LeaseTransitions: &transitions}
	return lease
}
