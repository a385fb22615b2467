// Package kube is the small part of the Kubernetes API that tasks need: one client, the pods of a release, readiness,
// exec.
package kube
