package plugin

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

type resumeOptions struct {
	connection *connection
	record     recordFlags
	release    string
	// given returns the flags for the recorded command.
	given func() []setting
	// resumption has the choices of the user. resume sets its run.
	resumption action.Resumption
}

func (a *App) resumeCommand() *cobra.Command {
	o := &resumeOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "Resume a run that failed, was stopped or died",
		Long: `Resume a recorded run where it ended. Completed steps do not run again, pods and Jobs that still run are
followed to their end, and steps that failed or were stopped run again. A task with an unknown result
does not run again, unless it is idempotent: find out how it ended, and add --done TASK or --again TASK.

Without RUN, it resumes the newest run of the namespace, or of --release, that has not succeeded. The
recorded command runs in the working directory, with the recorded flags. If the tasks, the chart or the values
have changed, this command lists the changes and stops; --replan resumes the run with them.

A record is a Secret, which other users may be able to write. Therefore flags that name files or programs,
a chart outside the working directory, --yes and --allow-host-tasks are not taken from it: give them again,
or confirm them on the terminal. Tasks that run on this machine need --allow-host-tasks or a confirmation
too. The flags of this command choose the cluster and the namespace.`,
		Example: `  # Resume the newest run of a release
  kubectl tasks resume --release web

  # Resume one run; 'kubectl tasks history' lists the runs
  kubectl tasks resume 20260102-150405-a1b2c3

  # Resume a run with tasks of a named file that run on this machine
  kubectl tasks resume --release web --tasks deploy.yaml --allow-host-tasks

  # Resume a run after a check that the backup, whose result is unknown, has succeeded
  kubectl tasks resume --release web --done backup`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.resume(cmd, o, args) },
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.release, "release", "r", "", "the release of the run")
	fs.BoolVar(&o.resumption.Replan, "replan", false, "resume the run although the tasks, the chart or the values have changed")
	fs.StringArrayVar(&o.resumption.Done, "done", nil, "a task with an unknown result that has succeeded (can specify multiple)")
	fs.StringArrayVar(&o.resumption.Again, "again", nil, "a task with an unknown result that can run again (can specify multiple)")
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
	past, err := a.config().Past(o.connection.cluster, action.RecordPlace(o.record.place))
	if err != nil {
		return err
	}
	run, err := past.Choose(ctx, o.release, args, action.Resumable)
	if err != nil {
		return err
	}
	switch {
	case run.Status == task.Succeeded:
		a.say("run %s has succeeded: nothing to resume", run.ID)
		return nil
	case run.RolledBack:
		return action.Usage(fmt.Errorf("run %s failed and was rolled back: nothing to resume; start a new run", run.ID))
	case len(run.Command) == 0:
		return action.Usage(fmt.Errorf("the record of run %s does not contain its command", run.ID))
	}
	if err := action.CheckSteps(run, slices.Concat(o.resumption.Done, o.resumption.Again)); err != nil {
		return err
	}
	if dir, err := os.Getwd(); err == nil && run.Directory != "" && dir != run.Directory {
		a.note(fmt.Sprintf("the run was started in %s; files that its command names are searched for in the working directory", run.Directory))
	}
	command, err := a.recall(recorded{run.ID, run.Operation, run.Release, run.Command})
	if err != nil {
		return err
	}
	given := o.given()
	if command.hasChart() { // tlsFlag of resume is for the cluster
		given = slices.DeleteFunc(given, func(s setting) bool { return s.name == tlsFlag })
	}
	if err := command.give(given); err != nil {
		return err
	}
	if err := a.consent(ctx, run.ID, command.machine); err != nil {
		return err
	}
	line := command.line(append(given, o.connects(cmd.Flags(), past.Locks.Namespace, command.command)...))
	a.say("resuming run %s: %s", run.ID, strings.Join(withoutValues(command.line(given)), " "))
	o.resumption.Run = run
	return a.execute(ctx, mode{args: line, resume: &o.resumption})
}

// connects returns the flags that choose the cluster, the namespace and the record. They never come from the record.
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

// withoutValues returns a command line for display: values for the chart and for tasks may be secret.
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

// giveValues are the flags with values of the form NAME=VALUE.
var giveValues = []string{"--set", "--set-string", "--set-json", "--set-literal", "--param", "--var"}
