// Package lagoon reads the facts of cluster and git that Lagoon's formats ask for.
package lagoon
