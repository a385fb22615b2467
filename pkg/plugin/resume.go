package plugin

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// resumption is a recorded run that the command goes on with.
type resumption struct {
	// run is as it was found; the journal has a copy.
	run *record.Stored
	// replan goes on although what the plan is made from has changed.
	replan bool
	// done and again are tasks of which a person knows how they ended: well, or such that they can run
	// again.
	done, again []string
}

type resumeOptions struct {
	connection *connection
	record     recordFlags
	release    string
	// given returns the flags for the run's own command.
	given func() []setting
	resumption
}

func (a *App) resumeCommand() *cobra.Command {
	o := &resumeOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "Go on with a run that failed, was stopped, or died",
		Long: `Go on with a recorded run where it ended: what is done is not done again, pods and Jobs that
still run are followed to their end, and what failed or was stopped is tried again. A task that
was started and whose end nobody saw is not run again, unless it is idempotent: when you have
found out how it ended, say --done TASK or --again TASK.

Without RUN it is the newest run of the namespace, or of --release, that has not succeeded. The
command of the run is given again in the working directory, with the same flags. When the tasks,
the chart or the values are not as they were, it says what has changed and stops; --replan goes
on all the same.

A record is a Secret, and others may be able to write it. What touches this machine is therefore not
taken from it: flags that name files or programs, a chart outside the working directory, --yes and
--allow-host-tasks have to be given again, or be confirmed on the terminal. So do tasks that run on this
machine, with --allow-host-tasks. The cluster and the namespace are those of this command.`,
		Example: `  # Go on with the newest run of a release
  kubectl tasks resume --release web

  # Go on with a certain run; see 'kubectl tasks history'
  kubectl tasks resume 20260102-150405-a1b2c3

  # A run whose tasks came from a file that was named, and run on this machine
  kubectl tasks resume --release web --tasks deploy.yaml --allow-host-tasks

  # The backup is there, although nobody saw the end of the task
  kubectl tasks resume --release web --done backup`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.resume(cmd, o, args) },
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.release, "release", "r", "", "the release whose newest run is meant")
	fs.BoolVar(&o.replan, "replan", false, "go on although the tasks, the chart or the values have changed")
	fs.StringArrayVar(&o.done, "done", nil, "a task with an unknown end that has in fact succeeded (can specify multiple)")
	fs.StringArrayVar(&o.again, "again", nil, "a task with an unknown end that can run again (can specify multiple)")
	o.record.addFlags(fs)
	o.connection.addFlags(cmd)
	o.given = a.machineFlags(fs)
	return cmd
}

func (a *App) resume(cmd *cobra.Command, o *resumeOptions, args []string) error {
	ctx := cmd.Context()
	if err := o.record.validate(); err != nil {
		return err
	}
	namespace, err := o.connection.namespace()
	if err != nil {
		return usageError{err}
	}
	runs, err := runsIn(o.record.place, o.connection.client(), namespace)
	if err != nil {
		return err
	}
	run, err := a.chooseRun(ctx, runs, namespace, o.release, args, canGoOn)
	if err != nil {
		return err
	}
	switch {
	case run.Status == task.Succeeded:
		a.say("run %s has succeeded: there is nothing left to do", run.ID)
		return nil
	case run.RolledBack:
		return usageError{fmt.Errorf("run %s failed and was rolled back: there is nothing to go on with; start it anew", run.ID)}
	case len(run.Command) == 0:
		return usageError{fmt.Errorf("the record of run %s does not say with which command it was started", run.ID)}
	}
	if err := checkSteps(run, slices.Concat(o.done, o.again)); err != nil {
		return err
	}
	if dir, err := os.Getwd(); err == nil && run.Directory != "" && dir != run.Directory {
		a.tell(fmt.Sprintf("the run was started in %s; files that its command names are looked for in the working directory", run.Directory))
	}
	command, err := a.recall(run)
	if err != nil {
		return err
	}
	given := o.given()
	if command.hasChart() { // here it is about the cluster
		given = slices.DeleteFunc(given, func(s setting) bool { return s.name == tlsFlag })
	}
	if err := command.give(given); err != nil {
		return err
	}
	if err := a.consent(ctx, run, command.machine); err != nil {
		return err
	}
	line := command.line(append(given, o.connects(cmd.Flags(), namespace, command.command)...))
	a.say("going on with run %s: %s", run.ID, strings.Join(withoutValues(command.line(given)), " "))
	o.run = run
	a.resuming, a.args = &o.resumption, line
	root := a.Command()
	root.SetArgs(line)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.ErrOut)
	return root.ExecuteContext(ctx)
}

// connects returns what chooses the cluster, the namespace and the record: never what the record says.
func (o *resumeOptions) connects(fs *pflag.FlagSet, namespace, command string) []setting {
	all := []setting{{"namespace", namespace}, {"record", o.record.place}, {"lock-wait", o.record.lockWait.String()}}
	fs.Visit(func(f *pflag.Flag) {
		name := f.Name
		switch {
		case slices.ContainsFunc(all[:3], func(s setting) bool { return s.name == name }):
			return
		case name == tlsFlag && command != "run":
			name = "kube-" + name // Helm's commands have the other name for the download of the chart
		case !slices.Contains(connects, name):
			return
		}
		for _, value := range texts(f) {
			all = append(all, setting{name, value})
		}
	})
	return all
}

// withoutValues returns a command line for people to see: what is given to Helm's chart or to tasks by flag
// may be secret.
func withoutValues(line []string) []string {
	line = slices.Clone(line)
	for i, arg := range line {
		flag, value, _ := strings.Cut(arg, "=")
		if flag == "--password" {
			line[i] = flag + "=" + mask.Placeholder
		}
		if name, _, has := strings.Cut(value, "="); has && slices.Contains(giveValues, flag) {
			line[i] = fmt.Sprintf("%s=%s=%s", flag, name, mask.Placeholder)
		}
	}
	return line
}

// giveValues are the flags whose values have the form NAME=VALUE.
var giveValues = []string{"--set", "--set-string", "--set-json", "--set-literal", "--param", "--var"}

// title is how a release is called in messages, also when there is none.
func title(name string) string {
	if name == "" {
		return "no release"
	}
	return fmt.Sprintf("release %q", name)
}

// checkSteps refuses names that are none of a run's tasks.
func checkSteps(run *record.Stored, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(run.Steps, func(s record.Step) bool { return s.ID == name }) {
			return usageError{fmt.Errorf("run %s has no task %q", run.ID, name)}
		}
	}
	return nil
}

// runID returns the identifier of this invocation's run on a release, or on tasks without one.
func (a *App) runID(release string) string {
	if a.resuming != nil {
		return a.resuming.run.ID
	}
	if a.ids == nil {
		a.ids = map[string]string{}
	}
	if a.ids[release] == "" {
		a.ids[release] = newRunID(time.Now())
	}
	return a.ids[release]
}

// begun is what the run had begun of Helm's part.
func (r *resumption) begun() release.Interrupted {
	return release.Interrupted{Operation: r.run.Operation, Revision: r.run.Revision, Target: r.run.Target, Applied: r.hasApplied()}
}

// compare returns an error that says what is not as it was when the run was started. next is the revision that the
// run is going to make, or the one that it removes.
func (r *resumption) compare(inputs map[string]string, p plan.Plan, next int) error {
	if r.replan {
		return nil
	}
	changes := r.changedInputs(inputs, func(string) bool { return true })
	if p.Operation != r.run.Operation {
		changes = append(changes, fmt.Sprintf("the run was of the operation %s, and would be of %s", r.run.Operation, p.Operation))
	}
	// A part of Helm's that has failed has made the revision that was going to be made.
	if next != r.run.Revision && (!r.hasApplied() || next != r.run.Revision+1) {
		changes = append(changes, fmt.Sprintf("the run was about revision %d of the release, and would be about %d: it was changed meanwhile", r.run.Revision, next))
	}
	return r.changed(append(changes, r.changedSteps(p)...))
}

// compareChart is compare for the chart and the values, before anything is rendered.
func (r *resumption) compareChart(inputs map[string]string) error {
	if r.replan {
		return nil
	}
	return r.changed(r.changedInputs(inputs, func(name string) bool { return slices.Contains(release.InputNames(), name) }))
}

func (r *resumption) changed(changes []string) error {
	if len(changes) == 0 {
		return nil
	}
	list := make([]string, len(changes))
	for i, change := range changes {
		list[i] = "\n  " + shown("%s", change)
	}
	return refusedError{fmt.Sprintf("run %s was planned from something else:%s\nhint: --replan goes on with what is there now; what is done stays done", r.run.ID, strings.Join(list, ""))}
}

// changedInputs says which of what the plan is made from is not as it was.
func (r *resumption) changedInputs(inputs map[string]string, about func(name string) bool) []string {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if before, had := r.run.Inputs[name]; !had && about(name) {
			changes = append(changes, name+" is new")
		} else if before != inputs[name] && about(name) {
			changes = append(changes, name+" has changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.run.Inputs)) {
		if _, has := inputs[name]; !has && about(name) {
			changes = append(changes, name+" is no longer there")
		}
	}
	return changes
}

// changedSteps says which steps of the plan are not those of the run.
func (r *resumption) changedSteps(p plan.Plan) []string {
	before := map[string]string{}
	for _, s := range r.run.Steps {
		before[s.ID] = s.Digest
	}
	var changes []string
	for _, s := range p.Steps {
		digest, had := before[s.ID]
		switch {
		case !had:
			changes = append(changes, fmt.Sprintf("step %q is new", s.ID))
		case digest != digestOf(s):
			text := ""
			if s.Task != nil {
				text = ": " + s.Task.Executor.Text()
			}
			changes = append(changes, fmt.Sprintf("step %q has changed%s", s.ID, text))
		}
		delete(before, s.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		changes = append(changes, fmt.Sprintf("step %q is no longer there", id))
	}
	return changes
}

// documents are those that the run was planned from. They are no more trusted than what anybody may
// write into the record.
func (r *resumption) documents() ([]format.Document, error) {
	var documents []format.Document
	for _, d := range r.run.Documents {
		text, err := d.Content()
		if err != nil {
			return nil, refusedError{shown("the record of run %s: %s: %v", r.run.ID, d.Name, err)}
		}
		documents = append(documents, format.Document{Source: task.Source{Name: d.Name, Format: d.Format}, Text: text})
	}
	return documents, nil
}

// made returns what the last attempt of a step has made.
func (r *resumption) made(id string) []task.Object {
	for _, s := range r.run.Steps {
		if s.ID == id {
			return s.Created
		}
	}
	return nil
}

// tidy removes what is left of steps whose end is recorded: the process died before it could.
func (r *resumption) tidy(ctx context.Context, a *App, client *kube.Client) {
	for _, s := range r.run.Steps {
		for _, o := range s.Created {
			if s.State == "" || s.State == task.Unknown || o.Container != "" {
				continue // it is not over, or was not made for the task
			}
			if _, err := client.Remove(ctx, r.run.ID, o, runner.StopGrace); err != nil {
				a.tell(fmt.Sprintf("%s %s in namespace %q, which is not needed any more, could not be deleted: %v", o.Kind, o.Name, o.Namespace, err))
			}
		}
	}
}

// open returns the tasks of a plan that are not known to be done, as tasks that are not trusted.
func (r *resumption) open(p plan.Plan) []task.Task {
	known := r.earlier()
	var open []task.Task
	for _, s := range p.Steps {
		if s.Task == nil || known[s.ID].State == task.Succeeded && s.Stage <= task.After { // at the end, it may run again
			continue
		}
		t := *s.Task
		t.Source.Trusted = false
		open = append(open, t)
	}
	return open
}

// hasApplied reports whether Helm's part had begun.
func (r *resumption) hasApplied() bool {
	return slices.ContainsFunc(r.run.Steps, func(s record.Step) bool { return s.Kind == string(plan.Apply) && s.Attempt > 0 })
}

// undecided returns an error when nobody saw how a task ended that must not run twice, and no person has said it either:
// the run would stop there again, and nothing is run before. Of a run that is being rolled back only what is left of that
// counts.
func (r *resumption) undecided(p plan.Plan) error {
	known := r.earlier()
	back := slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Stage == task.AtRollback && known[s.ID].Attempt > 0 })
	var names []string
	for _, s := range p.Steps {
		if known[s.ID].State == task.Unknown && s.Task != nil && !s.Task.Idempotent && (!back || s.Stage > task.After) {
			names = append(names, s.ID)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return runError{exitUnknown, fmt.Errorf("run %s cannot go on: the end of %s is unknown; nothing was run\n%s", r.run.ID, tasksNamed(names), decide(r.run.ID, names))}
}

// decide says how a run goes on with tasks whose end nobody saw.
func decide(run string, names []string) string {
	with := func(flag string) string {
		line := []string{displayName(), "resume", run}
		for _, name := range names {
			line = append(line, flag, argument(name))
		}
		return "'" + strings.Join(line, " ") + "'"
	}
	if len(names) == 1 {
		return fmt.Sprintf("hint: find out how %s ended; then %s if it ended well, or %s if it can run again", tasksNamed(names), with("--done"), with("--again"))
	}
	return fmt.Sprintf("hint: find out how %s ended; then %s if they ended well, with --again in the place of --done for each that can run again", tasksNamed(names), with("--done"))
}

// tasksNamed names tasks, as `task "a"` or `tasks "a", "b"`.
func tasksNamed(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	if len(names) == 1 {
		return "task " + quoted[0]
	}
	return "tasks " + strings.Join(quoted, ", ")
}

// argument is a word as it is typed into a shell.
func argument(word string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || r == '/' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(word) + `"`
}

// earlier is what the run has done, for the engine.
func (r *resumption) earlier() map[string]engine.Prior {
	known := map[string]engine.Prior{}
	for _, s := range r.run.Steps {
		e := engine.Prior{Attempt: s.Attempt}
		switch {
		case s.Attempt == 0:
			continue
		case slices.Contains(r.done, s.ID):
			e.State, e.Message = task.Succeeded, "it has ended well, as a person says"
		case slices.Contains(r.again, s.ID):
			e.State = task.Failed
		default:
			e.State, e.ExitCode, e.Reason, e.Message, e.Targets = s.State, s.ExitCode, s.Reason, s.Message, s.Targets
		}
		e.Attempts = s.Attempt
		if s.Start != nil && s.End != nil {
			e.Start, e.End = *s.Start, *s.End
		}
		for name, o := range s.Outputs {
			if e.Outputs == nil {
				e.Outputs = map[string]task.Value{}
			}
			e.Outputs[name] = task.Value{Value: o.Value, Secret: o.Secret}
		}
		known[s.ID] = e
	}
	return known
}
