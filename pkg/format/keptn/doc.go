// Package keptn reads the tasks of Keptn's objects, and the tasks that annotated workloads ask for.
package keptn
