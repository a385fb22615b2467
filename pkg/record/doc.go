// Package record keeps runs where later ones find them: each in a Secret of its own, with a Lease that keeps
// runs of a release apart, and what a release's later runs must know of earlier ones in another Secret.
package record
