package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// pastOptions are what the commands about recorded runs share.
type pastOptions struct {
	connection *connection
	release    string
	place      string
	output     string
}

func (o *pastOptions) addFlags(cmd *cobra.Command, formats ...string) {
	fs := cmd.Flags()
	fs.StringVarP(&o.release, "release", "r", "", "the release whose runs are meant")
	fs.StringVar(&o.place, "record", recordCluster, "where the runs are recorded: cluster, or local for this machine")
	if len(formats) > 0 {
		addOutput(fs, &o.output, formats...)
	}
	o.connection.addFlags(cmd)
}

// open returns the records and the locks.
func (o *pastOptions) open(a *App, formats ...string) (record.Store, lock.Locks, error) {
	if err := checkOutput(o.output, formats...); err != nil {
		return nil, lock.Locks{}, err
	}
	if o.place != recordCluster && o.place != recordLocal {
		return nil, lock.Locks{}, usageError{fmt.Errorf("--record is cluster or local, not %q", o.place)}
	}
	namespace, err := o.connection.namespace()
	if err != nil {
		return nil, lock.Locks{}, usageError{err}
	}
	client := o.connection.client()
	runs, err := runsIn(o.place, client, namespace)
	return runs, a.locksIn(client, namespace), err
}

// choose returns the run that was named, or the newest one that can be meant.
func (o *pastOptions) choose(ctx context.Context, a *App, runs record.Store, namespace string, args []string, wanted selection) (*record.Stored, error) {
	return a.chooseRun(ctx, runs, namespace, o.release, args, wanted)
}

// The states of runs that have not ended.
const (
	running task.State = "Running"
	died    task.State = "Died"
)

// stateOf tells how a run ended or, when it has not, whether it goes on: see lifeOf.
func stateOf(ctx context.Context, runs record.Store, locks lock.Locks, run *record.Run) (task.State, error) {
	state, _, err := lifeOf(ctx, runs, locks, run)
	return state, err
}

// lifeOf is stateOf, and returns the lock that a run has which goes on, or whose process left it when it died. A run
// goes on as long as its lock is renewed. One whose lock somebody else has, or nobody, does not; unless its end was
// recorded since it was read, which comes before the lock is given back. It brings run up to date then.
func lifeOf(ctx context.Context, runs record.Store, locks lock.Locks, run *record.Run) (task.State, *lock.Held, error) {
	if run.Finished() {
		return run.Status, nil, nil
	}
	held, err := locks.Get(ctx, lock.Name(run.Release, run.ID))
	if err != nil {
		return "", nil, err
	}
	if held != nil && held.Run == run.ID {
		lives, err := locks.Alive(ctx, held)
		if err != nil {
			return "", nil, err
		}
		if lives && held.Run == run.ID {
			return running, held, nil
		}
	}
	now, err := runs.Get(ctx, run.ID)
	if err != nil {
		return "", nil, err
	}
	if *run = now.Run; run.Finished() {
		return run.Status, nil, nil
	}
	if held != nil && held.Run != run.ID {
		held = nil
	}
	return died, held, nil
}

// object describes a recorded run as -o json does one that has just ended.
func object(run *record.Run, state task.State) *report.Run {
	o := &report.Run{
		APIVersion: "kubectl-tasks.io/v1alpha1", Kind: "Run", ID: run.ID, Operation: run.Operation, Release: run.Release,
		Namespace: run.Namespace, Revision: run.Revision, Status: state, ExitCode: run.ExitCode, StartTime: run.Start, Tasks: []report.RunTask{},
	}
	if run.End != nil {
		o.EndTime = *run.End
	}
	for _, s := range run.Steps {
		if s.Executor == "" || s.Reason == engine.ReasonNotNeeded && strings.HasPrefix(s.ID, "undo/") {
			continue // one of Helm's own, or one that was not needed
		}
		t := report.RunTask{
			Name: s.ID, Phase: s.Phase, Source: s.Source, Executor: s.Executor, Status: stepState(s), ExitCode: s.ExitCode,
			Reason: s.Reason, Message: s.Message, StartTime: s.Start, EndTime: s.End, Attempts: s.Attempt,
		}
		for _, target := range s.Targets {
			t.Targets = append(t.Targets, report.RunTarget{Pod: target.Pod, Container: target.Container, Status: target.State, ExitCode: target.ExitCode, Message: target.Message})
		}
		for name, output := range s.Outputs {
			if t.Outputs == nil {
				t.Outputs = map[string]any{}
			}
			if t.Outputs[name] = output.Value; output.Secret {
				t.Outputs[name] = mask.Placeholder
			}
		}
		o.Tasks = append(o.Tasks, t)
	}
	return o
}

// The states of steps that have not ended.
const (
	waits   task.State = "Waiting"
	started task.State = "Started"
)

func stepState(s record.Step) task.State {
	switch {
	case s.State != "":
		return s.State
	case s.Attempt > 0:
		return started
	}
	return waits
}

func (a *App) historyCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List recorded runs",
		Long: `List the recorded runs of the namespace, or of --release, the oldest first. A run that has not
ended is Running as long as its process renews its lock, and has Died otherwise.`,
		Example: `  # All runs of the namespace
  kubectl tasks history

  # The runs of a release, for a program
  kubectl tasks history --release web -o json`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.history(cmd.Context(), o) },
	}
	o.addFlags(cmd, historyFormats...)
	return cmd
}

var historyFormats = []string{"name", "json", "yaml"}

func (a *App) history(ctx context.Context, o *pastOptions) error {
	runs, locks, err := o.open(a, historyFormats...)
	if err != nil {
		return err
	}
	objects, err := a.past(ctx, o, runs, locks)
	if err != nil {
		return preflight(ctx, err)
	}
	switch o.output {
	case "json", "yaml":
		return a.printObject(o.output, map[string]any{"apiVersion": "kubectl-tasks.io/v1alpha1", "kind": "RunList", "items": objects})
	case "name":
		for _, run := range objects {
			a.print("%s", run.ID)
		}
		return nil
	}
	if len(objects) == 0 {
		of := ""
		if o.release != "" {
			of = fmt.Sprintf(" of release %q", o.release)
		}
		a.say("no recorded runs%s in namespace %q", of, locks.Namespace)
		return nil
	}
	table := tabwriter.NewWriter(a.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "RUN\tOPERATION\tRELEASE\tREVISION\tSTATUS\tSTARTED\tTOOK\tTASKS")
	for _, run := range objects {
		fmt.Fprintln(table, shown("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", run.ID, run.Operation, dash(run.Release), number(run.Revision), run.Status,
			run.StartTime.Format(time.RFC3339), took(run.StartTime, run.EndTime), tally(run.Tasks)))
	}
	return table.Flush()
}

// past returns the runs, the oldest first, with what -o shows of them.
func (a *App) past(ctx context.Context, o *pastOptions, runs record.Store, locks lock.Locks) ([]*report.Run, error) {
	var (
		objects []*report.Run
		open    = map[string]*record.Run{}
	)
	whole := o.output == "json" || o.output == "yaml"
	add := func(run *record.Run, state task.State) *report.Run {
		o := object(run, state)
		if !whole { // there may be many
			for i := range o.Tasks {
				o.Tasks[i] = report.RunTask{Status: o.Tasks[i].Status}
			}
		}
		return o
	}
	unreadable, err := runs.Each(ctx, o.release, func(run *record.Run) {
		objects = append(objects, add(run, run.Status))
		if !run.Finished() {
			open[run.ID] = run
		}
	})
	if err != nil {
		return nil, err
	}
	a.tellUnreadable(unreadable)
	slices.SortFunc(objects, func(a, b *report.Run) int { return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(a.ID, b.ID)) })
	// All at once: each may be watched for as long as a lock lasts.
	var (
		looking sync.WaitGroup
		failed  = make([]error, len(objects))
	)
	for i := range objects {
		run := open[objects[i].ID]
		if run == nil {
			continue
		}
		looking.Go(func() {
			var state task.State
			switch state, failed[i] = stateOf(ctx, runs, locks, run); {
			case errors.Is(failed[i], record.ErrNoRun): // it was deleted meanwhile
				failed[i] = nil
			case failed[i] == nil:
				objects[i] = add(run, state)
			}
		})
	}
	looking.Wait()
	return slices.DeleteFunc(objects, func(r *report.Run) bool { return r.Status == "" }), errors.Join(failed...)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func took(start, end time.Time) string {
	if start.IsZero() || end.IsZero() {
		return "-"
	}
	return end.Sub(start).Round(100 * time.Millisecond).String()
}

// tally counts tasks by how they ended, as "2 Succeeded, 1 Failed".
func tally(tasks []report.RunTask) string {
	var (
		order []task.State
		count = map[task.State]int{}
	)
	for _, t := range tasks {
		if count[t.Status]++; !slices.Contains(order, t.Status) {
			order = append(order, t.Status)
		}
	}
	parts := make([]string, len(order))
	for i, state := range order {
		parts[i] = fmt.Sprintf("%d %s", count[state], state)
	}
	return dash(strings.Join(parts, ", "))
}

func (a *App) statusCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	watch := false
	cmd := &cobra.Command{
		Use:   "status [RUN]",
		Short: "Show a recorded run, step by step",
		Long: `Show how far a recorded run is, or how it ended, step by step: the newest of the namespace, or of
--release, when none is named.`,
		Example: `  # The newest run of a release
  kubectl tasks status --release web

  # The same, again whenever something changes, until it ends
  kubectl tasks status --release web --watch`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), o, args, watch) },
	}
	o.addFlags(cmd, "json", "yaml")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it again whenever something changes, until the run has ended")
	return cmd
}

// look is how often a run is looked at whose end nobody would write.
const look = 15 * time.Second

func (a *App) status(ctx context.Context, o *pastOptions, args []string, watch bool) error {
	runs, locks, err := o.open(a, "json", "yaml")
	if err != nil {
		return err
	}
	run, err := o.choose(ctx, a, runs, locks.Namespace, args, anyRun)
	for first := true; err == nil; first = false {
		var state task.State
		if state, err = stateOf(ctx, runs, locks, &run.Run); err != nil {
			break
		}
		if !first && o.output == "" {
			fmt.Fprintln(a.Out)
		}
		if err := a.showStatus(o, run, state); err != nil || !watch || state != running {
			return err
		}
		if err = runs.WaitChanged(ctx, run, look); err == nil {
			run, err = runs.Get(ctx, run.ID)
		}
	}
	if usage := (usageError{}); errors.As(err, &usage) || ctx.Err() != nil {
		return err
	}
	return &release.PreflightError{Err: err}
}

func (a *App) showStatus(o *pastOptions, run *record.Stored, state task.State) error {
	if o.output != "" {
		return a.printObject(o.output, object(&run.Run, state))
	}
	a.print("run %s: %s of %s in namespace %q, %s", run.ID, run.Operation, title(run.Release), run.Namespace, state)
	a.print("by %s, started at %s", run.Owner, run.Start.Format(time.RFC3339))
	table := tabwriter.NewWriter(a.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "STEP\tPHASE\tSTATUS\tTOOK\tWHERE\tMESSAGE")
	for _, s := range run.Steps {
		if s.Reason == engine.ReasonNotNeeded {
			continue
		}
		where := make([]string, len(s.Created))
		for i, m := range s.Created {
			where[i] = strings.ToLower(m.Kind) + "/" + m.Name
		}
		last := "-"
		if s.Start != nil && s.End != nil {
			last = took(*s.Start, *s.End)
		}
		message, _, _ := strings.Cut(s.Message, "\n")
		fmt.Fprintln(table, shown("%s\t%s\t%s\t%s\t%s\t%s", s.ID, dash(string(s.Phase)), stepState(s), last, dash(strings.Join(where, ",")), message))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if state == died || state == task.Failed || state == task.Unknown || state == task.Cancelled {
		var unknown []string
		for _, s := range run.Steps {
			if s.State == task.Unknown && s.Executor != "" {
				unknown = append(unknown, s.ID)
			}
		}
		switch {
		case run.RolledBack:
		case len(unknown) > 0:
			a.say("%s", decide(run.ID, unknown))
		default:
			a.say("hint: 'kubectl tasks resume %s' goes on with it", run.ID)
		}
	}
	return nil
}
