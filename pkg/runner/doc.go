// Package runner runs the steps of a plan: it has the registry of executors, and hands Helm's own steps to its package helm.
package runner
