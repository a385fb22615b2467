// Package preflight checks whether a plan may run, before anything is changed: rights, admission, trust in sources, references.
package preflight
