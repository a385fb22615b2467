package plugin

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/terminal"
)

type runOptions struct {
	mode       mode
	connection *connection
	tasks      taskFlags
	oneOff     action.OneOff
	phase      string
	release    string
	dryRun     bool
	output     string
	historyMax int
	unmasked   bool
}

func (a *App) runCommand(m mode) *cobra.Command {
	o := &runOptions{mode: m, connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "run [TASK... | (--exec|--clone|--pod|--job|--lagoon-service) PLACE -- COMMAND [ARG...]]",
		Short: "Run tasks by name or phase, without Helm",
		Long: `Run tasks by name, or all tasks of a phase, without Helm. The name of a task of a Draft file is
TABLE/DESCRIPTION, and that of a .lagoon.yml is pre-rollout/NAME or post-rollout/NAME; the part after
the slash is enough if no other task has it. The single task of a document that is named with --filename
needs no name.

A single task with a single target behaves like its program: its output goes to standard output byte
for byte, and its exit code is passed on. On a terminal and in a pipe, the values of the Secrets that it
uses are replaced by ***; in a file they are not.`,
		Example: `  # Run one task of .draft-tasks.toml
  kubectl tasks run hello

  # Run a task in the pods of a release
  kubectl tasks run "sync database" --release web

  # Run a command without a file: in a running pod, in a clone of a pod, in a Job
  kubectl tasks run --exec deployment/web -- hostname
  kubectl tasks run --clone deployment/web -- env
  kubectl tasks run --job busybox:1.37 -- echo hello

  # Run a command as a standard task of Lagoon, a LagoonTask, a definition of Lagoon's API
  kubectl tasks run --lagoon-service web -- hostname
  kubectl tasks run -f lagoontask.yaml
  kubectl tasks run -f definition.json --param NAME=value

  # Run all post-deploy tasks of a file
  kubectl tasks run --phase post-deploy --release web -f deploy/.draft-tasks.toml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd.Context(), o, args, cmd.ArgsLenAtDash())
		},
	}
	fs := cmd.Flags()
	o.tasks.addSource(fs)
	o.tasks.addFilename(fs)
	o.tasks.addRun(fs)
	o.tasks.record.addFlags(fs)
	fs.IntVar(&o.historyMax, "history-max", 10, "the maximum number of run records kept for the release, or for runs without a release; 0 for no limit")
	o.addOneOffFlags(fs)
	fs.StringVar(&o.phase, "phase", "", "run all tasks of this phase or table, such as post-deploy or pre-up")
	fs.StringVarP(&o.release, "release", "r", "", "the release in whose pods the tasks run")
	fs.BoolVar(&o.tasks.forceTasks, "force", false, "short for --force-tasks")
	fs.BoolVar(&o.unmasked, "unmasked", false, "do not mask values of Secrets in the output of a single task to a pipe, as in its output to a file")
	fs.BoolVar(&o.dryRun, "dry-run", false, "show the steps, and run nothing")
	addOutput(fs, &o.output, "json", "yaml")
	o.connection.addFlags(cmd)
	return cmd
}

func (a *App) run(ctx context.Context, o *runOptions, args []string, dash int) error {
	options, err := o.tasks.options()
	if err := errors.Join(err, checkOutput(o.output, "json", "yaml")); err != nil {
		return err
	}
	run := &action.Run{Request: a.request(o.mode, o.connection, options), Release: o.release, Names: args, Phase: o.phase, Passthrough: o.output == ""}
	run.Record.Keep = o.historyMax
	if err := o.addOneOff(run, args, dash); err != nil {
		return err
	}
	if o.dryRun {
		run.Mode = action.DryRun
	}
	run.Present = func(id string, p plan.Plan) (action.Presentation, error) { return a.presentRun(o, id, p) }
	if run.OneOff == nil {
		a.stopCommands()
	}
	result, end := run.Run(ctx)
	switch {
	case result == nil:
		return end
	case o.mode.plan != nil:
		return a.showPlan(ctx, o.mode.plan, result)
	case !result.Ran:
		return report.Plan(a.Out, result.Plan)
	}
	if !o.passesThrough(result.Plan) {
		a.closing(result)
	}
	if o.output != "" {
		if err := a.printObject(o.output, result.Report()); err != nil {
			return err
		}
	}
	return end
}

// passesThrough reports whether the run shows the output of its only step as it is.
func (o *runOptions) passesThrough(p plan.Plan) bool { return len(p.Steps) == 1 && o.output == "" }

// presentRun returns how a run is shown: a single task like its program, other runs as text.
func (a *App) presentRun(o *runOptions, id string, p plan.Plan) (action.Presentation, error) {
	events, err := o.tasks.openEvents(id)
	if err != nil {
		return action.Presentation{}, err
	}
	shown := action.Presentation{Close: func() { events.close(a) }}
	text := &report.Text{Log: a.ErrOut, Stdout: a.Out, Stderr: a.ErrOut}
	if o.output != "" {
		text.Stdout = a.ErrOut
	}
	if !o.passesThrough(p) {
		shown.Emit = action.All(text.Emit, events.emit)
		return shown, nil
	}
	data := &dataWriter{to: a.data(a.raw.Out, o.unmasked)}
	shown.Err = func() error { return data.err }
	program := &report.Passthrough{Stdout: data, Stderr: a.data(a.raw.ErrOut, false), Text: text}
	switch {
	case terminal.Is(a.raw.Out):
	case o.unmasked || terminal.IsFile(a.raw.Out):
		// A backup must not be masked.
		program.Stdout, shown.Data = nil, data
	default:
		program.MaskedNote = "secrets in the output of the task were replaced by ***; if the output is data, such as a backup, write it to a file or add --unmasked"
	}
	shown.Emit = action.All(program.Emit, events.emit)
	return shown, nil
}
