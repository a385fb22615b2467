// Package standard runs Lagoon's standard tasks: a shell command in a copy of the pod of one of its services.
package standard
