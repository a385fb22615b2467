// Package exec runs a task's program in running pods, in each one's default container.
package exec
