package keptn

import "github.com/kubectl-tasks/kubectl-tasks/pkg/task"

// Options are the inputs of Parse in addition to the text.
type Options struct {
	// Source is the document. Its Name is the file in every position.
	Source task.Source
	// Namespace is the namespace of the run; empty when it is unknown.
	Namespace string
	// Release is the release of the run. It is the app of definitions that no KeptnTask runs.
	Release string
	// Images are the runner images, by runtime.
	Images map[task.Runtime]string
	// Namespaces are those in which the cluster's definitions were searched; none when it has no Keptn.
	Namespaces []string
	// Others are documents with definitions that this one can refer to.
	Others []Document
	// Lenient is for listing and checking tasks: a missing definition is not an error.
	Lenient bool
}

// Document is the text of a document with its origin.
type Document struct {
	Source task.Source
	Text   []byte
	// Fallback definitions count only for names that no other document defines.
	Fallback bool
}
