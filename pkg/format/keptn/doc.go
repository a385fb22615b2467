// Package keptn reads Keptn's tasks: KeptnTaskDefinition and KeptnTask, of every version.
package keptn
