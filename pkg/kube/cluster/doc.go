// Package cluster is one value with all that a cluster is asked for, for callers that need several packages of kube.
package cluster
