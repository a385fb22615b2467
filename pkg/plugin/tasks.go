package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/function"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// taskFlags choose the tasks of a command and how they run.
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
	heal           bool
}

// addSource adds the flags that choose tasks.
func (t *taskFlags) addSource(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&t.references, "tasks", "t", nil, "where the tasks are: a file, a directory, '-' for standard input, configmap/NAME[/KEY], or 'chart' for the chart's own files (can specify multiple); without it the working directory's tasks.yaml, .lagoon.yml, keptn.yaml and .draft-tasks.toml, else the ConfigMaps annotated for the release, else for uninstall and rollback the release's record, else the chart's files")
	fs.StringVar(&t.format, "format", "", "the format of what --tasks names, whatever it is called: "+strings.Join(format.All.Names(), ", "))
	fs.StringArrayVar(&t.params, "param", nil, "a parameter of a tasks.yaml or an argument of a definition of Lagoon, as NAME=VALUE (can specify multiple)")
	fs.StringVar(&t.paramsFile, "params-file", "", "a YAML or JSON file with parameters; --param wins over it")
	t.lagoon.addSource(fs)
	fs.BoolVar(&t.draftShell, "draft-shell", false, "run the commands of Draft files through 'sh -c', which Draft does not")
}

// addFilename adds kubectl's name for --tasks.
func (t *taskFlags) addFilename(fs *pflag.FlagSet) {
	// Both flags share one value: a flag of its own would replace the value of --tasks.
	tasks := fs.Lookup("tasks")
	fs.AddFlag(&pflag.Flag{Name: "filename", Shorthand: "f", Usage: "kubectl's name for --tasks", Value: tasks.Value, DefValue: tasks.DefValue})
}

// addRun adds the flags about running tasks.
func (t *taskFlags) addRun(fs *pflag.FlagSet) {
	fs.BoolVar(&t.allowHostTasks, "allow-host-tasks", false, "let tasks of a ConfigMap, a chart or a release's record run programs on this machine and read its environment")
	fs.BoolVar(&t.draftCompat, "draft-compat", false, "go on after tasks of a Draft file that failed, as Draft does")
	fs.IntVar(&t.parallel, "parallel", 0, "in how many pods a task may run at the same time (default what the task says, else 1)")
	fs.IntVar(&t.concurrency, "concurrency", engine.DefaultConcurrency, "how many tasks may run at the same time")
	fs.StringToStringVar(&t.images, "runner-image", nil, "the image that runs functions of a runtime, as deno=IMAGE or python=IMAGE (can specify multiple)")
	fs.BoolVarP(&t.yes, "yes", "y", false, "answer the questions of approve tasks with yes")
	fs.StringVar(&t.events, "events", "", "append each event of the run to this file, as a line of JSON")
	fs.BoolVar(&t.forceTasks, "force-tasks", false, "run tasks also when they were done once, or nothing that they depend on has changed")
	fs.DurationVar(&t.timeout, "task-timeout", 0, "how long an attempt of a task may take that does not say it itself (default no limit, and 6h for Lagoon's tasks in pods of their own)")
	t.lagoon.addRun(fs)
	t.keptn.addRun(fs)
	fs.BoolVar(&t.keepGoing, "keep-going", false, "after a failure go on with the tasks that do not need the one that failed")
}

func (t *taskFlags) validate() error {
	if t.parallel < 0 {
		return usageError{fmt.Errorf("--parallel must be at least 1, not %d", t.parallel)}
	}
	if t.timeout < 0 {
		return usageError{fmt.Errorf("--task-timeout must not be negative, as %s is", t.timeout)}
	}
	if t.concurrency < 1 {
		return usageError{fmt.Errorf("--concurrency must be at least 1, not %d", t.concurrency)}
	}
	if err := errors.Join(t.keptn.validate(), t.record.validate()); err != nil {
		return err
	}
	for runtime := range t.images {
		if _, ok := function.DefaultImages[task.Runtime(runtime)]; !ok {
			return usageError{fmt.Errorf("--runner-image is for %q; write deno=IMAGE or python=IMAGE", runtime)}
		}
	}
	return nil
}

// runnerImages returns the images of runtimes: those of --runner-image, else the defaults.
func (t *taskFlags) runnerImages() map[task.Runtime]string {
	images := maps.Clone(function.DefaultImages)
	for runtime, image := range t.images {
		images[task.Runtime(runtime)] = image
	}
	return images
}

// taskSet are the documents that were found, and their contents.
type taskSet struct {
	documents []format.Document
	// looked lists the places that were searched for documents; empty when the user named them.
	looked      string
	tasks       []task.Task
	diagnostics task.Diagnostics
}

// chart is the chart of a command as a source of documents.
type chart struct {
	// files returns the files of the chart; nil without a chart.
	files func() ([]release.File, error)
	// next returns the objects of the rendered chart; nil when no annotated ConfigMap can be among them.
	next func() ([]*unstructured.Unstructured, error)
	// recorded returns the documents of the release's record; nil for commands that do not use them.
	recorded func(context.Context) ([]format.Document, error)
}

// find returns the documents that the flags name or, without such flags, those in the places that are searched, and
// the list of these places.
func (a *App) find(ctx context.Context, t *taskFlags, client *kube.Client, rel plan.Release, from chart) (documents []format.Document, looked string, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, "", err
	}
	finder := source.Finder{
		Formats: format.All, Format: t.format, Dir: dir, Stdin: a.stdin,
		Client: client, Namespace: rel.Namespace, Release: rel.Name,
	}
	finder.Recorded = from.recorded
	if from.next != nil {
		finder.Rendered = func() ([]corev1.ConfigMap, error) {
			objects, err := from.next()
			if err != nil {
				return nil, err
			}
			return source.ConfigMaps(objects)
		}
	}
	if from.files != nil {
		finder.Chart = func() (map[string][]byte, error) {
			all, err := from.files()
			files := make(map[string][]byte, len(all))
			for _, f := range all {
				files[f.Name] = f.Text
			}
			return files, err
		}
	}
	found, err := finder.Find(ctx, t.references)
	for _, note := range found.Notes {
		a.say("note: %s", note)
	}
	if usage := (*source.UsageError)(nil); errors.As(err, &usage) {
		err = usageError{err}
	}
	if err != nil {
		return nil, "", err
	}
	return found.Documents, found.Searched, nil
}

// engine returns the engine that the flags describe, without a view.
func (t *taskFlags) engine(runner engine.Runner) engine.Engine {
	return engine.Engine{Runner: runner, Concurrency: t.concurrency, KeepGoing: t.keepGoing}
}

// draft returns the options of Draft's format.
func (t *taskFlags) draft() format.DraftOptions {
	return format.DraftOptions{Shell: t.draftShell, Compat: t.draftCompat}
}

// fill sets the options that the flags are about.
func (t *taskFlags) fill(o *format.Options) (err error) {
	if o.Facts.Params, err = t.parameters(); err != nil {
		return err
	}
	o.Draft = t.draft()
	o.Images, o.Timeout, o.Parallel = t.runnerImages(), t.timeout, t.parallel
	return t.lagoon.fill(&o.Lagoon)
}

// read parses documents. Findings of severity Error are the error; the others are in the set.
func (t *taskFlags) read(documents []format.Document, o format.Options) (taskSet, error) {
	if err := t.fill(&o); err != nil {
		return taskSet{documents: documents}, usageError{err}
	}
	set, err := format.Read(documents, o)
	if option := (*format.OptionError)(nil); errors.As(err, &option) {
		err = usageError{err}
	}
	return taskSet{documents: documents, tasks: set.Tasks, diagnostics: set.Diagnostics}, err
}

// announce prints how many tasks came from where, and the warnings about the documents and the planned tasks.
func (a *App) announce(set taskSet, planned []task.Task) {
	if len(set.documents)+len(set.tasks) == 0 && set.looked != "" {
		a.say("no tasks: none in %s", set.looked)
	}
	for _, d := range set.documents {
		count := 0
		for _, t := range set.tasks {
			if t.Source.Name == d.Name {
				count++
			}
		}
		a.say("tasks from %s (%s): %d", d.Name, d.Format, count)
	}
	names := map[string]bool{"": true}
	for _, t := range planned {
		names[t.Name] = true
	}
	for _, d := range set.diagnostics {
		if d.Severity == task.Warning && names[d.Task] {
			a.say("warning: %s", strings.ReplaceAll(d.Error(), "\n", "; "))
		}
	}
}
