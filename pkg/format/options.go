package format

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Options are the inputs of a format in addition to the text: the user's options and the facts of the run.
type Options struct {
	// Facts are what expressions can refer to. Facts.Params are the parameters that the user gave.
	Facts expression.Facts
	// Getenv looks up a variable of the environment that tasks on this machine get.
	Getenv func(name string) (string, bool)
	// Runs reports whether a task may run; nil means that all may. The conditions and expressions of the
	// others are not evaluated.
	Runs func(name string, phase task.Phase) bool
	// Lenient is for listing and checking tasks: expressions and conditions are not evaluated, and a
	// missing value is empty instead of an error.
	Lenient bool
	// Images are the runner images of scripts.
	Images map[task.Runtime]string
	// Timeout limits each attempt of a task that sets no limit itself; 0 means no limit.
	Timeout time.Duration
	// Parallel overrides in how many pods an exec task runs at the same time; 0 keeps the task's own number.
	Parallel int
	// FactsErr returns why facts of the cluster could not be read; nil when they could. It is called after
	// parsing, because formats ask for such facts only when they need them. May be nil.
	FactsErr func() error

	Draft  DraftOptions
	Lagoon LagoonOptions
	Keptn  KeptnOptions
}

// DraftOptions are the inputs of Draft's format.
type DraftOptions struct {
	// Shell runs each command with sh -c.
	Shell bool
	// Compat continues the run after a failed task, as Draft does.
	Compat bool
}

// LagoonOptions are the inputs of Lagoon's format.
type LagoonOptions struct {
	// Variables are those that the user gave. They override all others.
	Variables map[string]string
	// Compat runs standard tasks in every container, as Lagoon does.
	Compat bool
	// ServiceLabel replaces task.ServiceLabel when it is not empty.
	ServiceLabel string
	// Branch and Commit return those of the git repository, "" when there is none. They are called only
	// when a document depends on them. May be nil.
	Branch, Commit func() string
	// Context is the name of the kubeconfig's context; may be empty.
	Context string
	// Cluster looks up a variable in the namespace; nil without a cluster.
	Cluster func(name string) (lagoon.Variable, bool)
}

// KeptnOptions are the inputs of Keptn's format.
type KeptnOptions struct {
	// Definitions are the cluster's documents.
	Definitions []keptn.Document
	// Namespaces are those in which Definitions were searched; none when the cluster has no Keptn.
	Namespaces []string
}
