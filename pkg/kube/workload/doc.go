// Package workload finds the workloads, Services and pods in which tasks run, reads their templates, and scales them.
package workload
