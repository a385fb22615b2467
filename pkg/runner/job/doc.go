// Package job runs job tasks: a Kubernetes Job, followed by its pods.
package job
