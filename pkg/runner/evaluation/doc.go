// Package evaluation runs Keptn's evaluations: metrics compared with their targets.
package evaluation
