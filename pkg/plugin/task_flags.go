package plugin

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
)

// taskFlags are the flags that choose tasks and the way they run.
type taskFlags struct {
	references     []string
	format         string
	allowHostTasks bool
	draftShell     bool
	draftCompat    bool
	params         []string
	paramsFile     string
	images         map[string]string
	parallel       int
	concurrency    int
	keepGoing      bool
	forceTasks     bool
	events         string
	yes            bool
	timeout        time.Duration
	lagoon         lagoonFlags
	keptn          keptnFlags
	record         recordFlags
}

// addSource adds the flags that choose tasks.
func (t *taskFlags) addSource(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&t.references, "tasks", "t", nil, "the tasks: a file, a directory, '-' for standard input, configmap/NAME[/KEY], or 'chart' for the files of the chart (can specify multiple); by default the first of these that exists: tasks.yaml, .lagoon.yml, keptn.yaml and .draft-tasks.toml in the working directory, ConfigMaps annotated for the release, the release's ledger (uninstall and rollback only), the files of the chart")
	fs.StringVar(&t.format, "format", "", "the format of the documents of --tasks, whatever their names: "+strings.Join(format.All.Names(), ", "))
	fs.StringArrayVar(&t.params, "param", nil, "a parameter of tasks.yaml or an argument of a Lagoon definition, as NAME=VALUE (can specify multiple)")
	fs.StringVar(&t.paramsFile, "params-file", "", "a YAML or JSON file with parameters; --param takes precedence")
	t.lagoon.addSource(fs)
	fs.BoolVar(&t.draftShell, "draft-shell", false, "run the commands of Draft files with 'sh -c', unlike Draft")
}

// addFilename adds kubectl's name for --tasks.
func (t *taskFlags) addFilename(fs *pflag.FlagSet) {
	// Both flags share one value: with two, the first use of a flag would replace the default, and the value of the other.
	tasks := fs.Lookup("tasks")
	fs.AddFlag(&pflag.Flag{Name: "filename", Shorthand: "f", Usage: "kubectl's name for --tasks", Value: tasks.Value, DefValue: tasks.DefValue})
}

// addRun adds the flags for running tasks.
func (t *taskFlags) addRun(fs *pflag.FlagSet) {
	fs.BoolVar(&t.allowHostTasks, "allow-host-tasks", false, "allow tasks of a ConfigMap, a chart or a record to run programs on this machine and read its environment")
	fs.BoolVar(&t.draftCompat, "draft-compat", false, "continue after failed tasks of a Draft file, as Draft does")
	fs.IntVar(&t.parallel, "parallel", 0, "the number of pods in which a task may run at the same time (default the task's own value, or 1)")
	fs.IntVar(&t.concurrency, "concurrency", action.DefaultConcurrency, "the number of tasks that may run at the same time")
	fs.StringToStringVar(&t.images, "runner-image", nil, "the image that runs functions of a runtime, as deno=IMAGE or python=IMAGE (can specify multiple)")
	fs.BoolVarP(&t.yes, "yes", "y", false, "answer all questions of tasks with yes")
	fs.StringVar(&t.events, "events", "", "append each event of the run to this file as a line of JSON")
	fs.BoolVar(&t.forceTasks, "force-tasks", false, "run tasks even if they ran once, or their inputs have not changed")
	fs.DurationVar(&t.timeout, "task-timeout", 0, "the time limit of an attempt, for tasks without their own (default no limit, and 6h for Lagoon's tasks in new pods)")
	t.lagoon.addRun(fs)
	t.keptn.addRun(fs)
	fs.BoolVar(&t.keepGoing, "keep-going", false, "after a failure, continue with the tasks that do not need the failed task")
}

// options returns the options that the flags choose. The error is a usage error.
func (t *taskFlags) options() (action.Options, error) {
	if t.parallel < 0 {
		return action.Options{}, action.Usage(fmt.Errorf("--parallel must be at least 1, not %d", t.parallel))
	}
	if t.timeout < 0 {
		return action.Options{}, action.Usage(fmt.Errorf("--task-timeout must not be negative: %s", t.timeout))
	}
	if t.concurrency < 1 {
		return action.Options{}, action.Usage(fmt.Errorf("--concurrency must be at least 1, not %d", t.concurrency))
	}
	if err := errors.Join(t.keptn.validate(), t.record.validate()); err != nil {
		return action.Options{}, err
	}
	o, err := t.sourceOptions()
	if err != nil {
		return o, err
	}
	o.Read.Timeout, o.Read.Parallel = t.timeout, t.parallel
	o.Keptn, o.Record = t.keptn.options(), t.record.options()
	o.AllowHostTasks, o.Yes, o.Force, o.KeepGoing, o.Concurrency = t.allowHostTasks, t.yes, t.forceTasks, t.keepGoing, t.concurrency
	return o, nil
}

// sourceOptions returns the options that the flags of addSource choose. The error is a usage error.
func (t *taskFlags) sourceOptions() (action.Options, error) {
	o := action.Options{References: t.references, Format: t.format}
	o.Read.Draft = format.DraftOptions{Shell: t.draftShell, Compat: t.draftCompat}
	var err error
	if o.Read.Facts.Params, err = t.parameters(); err != nil {
		return o, action.Usage(err)
	}
	if err := t.lagoon.fill(&o.Read.Lagoon); err != nil {
		return o, action.Usage(err)
	}
	o.Read.Images, err = action.RunnerImages(t.images)
	return o, err
}
