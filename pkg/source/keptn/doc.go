// Package keptn reads the facts of cluster and chart that Keptn's format asks for.
package keptn
