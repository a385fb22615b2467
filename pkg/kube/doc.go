// Package kube is the connection to a cluster: its kinds and objects, pods and their logs, access, and the kubeconfig
// for tasks.
package kube
