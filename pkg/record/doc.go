// Package record keeps, in a Secret of the release's namespace, what later runs must know of earlier
// ones: which tasks were done that can be taken back, and which need not be done again.
package record
