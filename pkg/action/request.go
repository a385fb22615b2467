package action

import (
	"io"
	"slices"
	"sync"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source/keptn"
)

// Mode selects whether an action runs its plan.
type Mode int

// The modes.
const (
	// Execute runs the plan.
	Execute Mode = iota
	// Plan only returns the plan, checked as for a run; nothing is changed.
	Plan
	// DryRun returns the plan of a Run without the facts that need the pods of a release. Helm's operations have a dry run of
	// their own; see release.Facts.
	DryRun
)

// Request is the common part of all actions that run tasks.
type Request struct {
	Config     *Config
	Connection *Connection
	Options
	Mode Mode
	// Resume is the run to resume; nil starts a new one.
	Resume *Resumption
	// Present is called before the first step. It returns the presentation of the run.
	// Nil shows it nowhere.
	Present func(id string, p plan.Plan) (Presentation, error)
	// DryRun is called with the plan of a dry run of Helm's, before Helm simulates the change; may be nil.
	DryRun func(p plan.Plan) error
}

// Options choose tasks, and how they run.
type Options struct {
	// References name the tasks' documents (source.Finder.Named), and Format their format. Without references they are
	// searched for.
	References []string
	Format     string
	// Read has the options for reading documents that the user chose. The action adds the facts of the run.
	Read  format.Options
	Keptn KeptnOptions
	// AllowHostTasks lets tasks from sources that are not trusted run on this machine and read its environment.
	AllowHostTasks bool
	// Yes answers the questions of tasks.
	Yes bool
	// Force runs tasks again that ran once, or whose inputs have not changed.
	Force bool
	// KeepGoing runs, after a failure, the tasks that do not need the failed one.
	KeepGoing bool
	// Concurrency is how many tasks can run at the same time.
	Concurrency int
	Record      RecordOptions
}

// KeptnOptions choose how Keptn's tasks are handled.
type KeptnOptions struct {
	// Mode is the behaviour if Keptn itself is active.
	Mode keptn.Mode
	// Promotion runs the promotion tasks of a KeptnAppContext, too.
	Promotion bool
	// NonBlocking continues after a failed task of Keptn, with a warning.
	NonBlocking bool
	// SkipEvaluations leaves out evaluations.
	SkipEvaluations bool
	// OncePerVersion runs a task once for each version of its app or workload.
	OncePerVersion bool
}

// Emit takes an event of a run. It is called from one goroutine at a time.
type Emit = func(engine.Event)

// Locked returns emit for calls from several goroutines, of which one at a time holds mu.
func Locked(mu *sync.Mutex, emit Emit) Emit {
	return func(e engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		emit(e)
	}
}

// All returns a function that calls each function that is not nil; nil if there are none.
func All(each ...Emit) Emit {
	each = slices.DeleteFunc(each, func(emit Emit) bool { return emit == nil })
	if len(each) == 0 {
		return nil
	}
	return func(e engine.Event) {
		for _, emit := range each {
			emit(e)
		}
	}
}

// Presentation receives the events and the output of a run. All fields can be nil.
type Presentation struct {
	// Emit takes the events of the run's steps, and EmitHook those of the chart's hooks.
	Emit, EmitHook Emit
	// Data takes the standard output of tasks, byte by byte as it was printed.
	Data io.Writer
	// Err returns the reason why the output of the run is incomplete; nil if it is complete. It is called after the last
	// event.
	Err func() error
	// Close is called at the end of the run.
	Close func()
}
