// Package keptn runs Keptn's task definitions: a Job as Keptn's operator makes it, and the ConfigMap with its code.
package keptn
