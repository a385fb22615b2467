package service

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
)

// The marks of Lagoon's idler (spec lagoon.md § 2c).
const (
	// idleLabel selects the Deployments that the idler watches.
	idleLabel = "idling.amazee.io/watch=true"
	// idledFrom is the annotation with the number of pods that a Deployment had before the idler scaled it to zero.
	idledFrom = "idling.amazee.io/unidle-replicas"
	// maxReplicas is the largest number of pods that the annotation is trusted with.
	maxReplicas = 16
)

// replicasBefore returns how many pods the Deployment had before the idler scaled it to zero: from 1 to maxReplicas, 1
// when the annotation is missing or no number.
func replicasBefore(d appsv1.Deployment) int64 {
	replicas, err := strconv.ParseInt(d.Annotations[idledFrom], 10, 64)
	if err != nil {
		replicas = 1
	}
	return min(max(replicas, 1), maxReplicas)
}
