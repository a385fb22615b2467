// Package function runs function tasks: scripts in a pod of a runner image, as Keptn runs them.
package function
