package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// exitPlan is the exit code of a plan with something to do.
const exitPlan = 2

// planFlags are the flags of the commands below "plan".
type planFlags struct {
	output planOutput
	// rbac shows the Role that the command needs instead of its steps.
	rbac bool
}

// planOutput is the --output of a plan, in the place of the command's own. It implements
// pflag.Value.
type planOutput string

var planOutputs = []string{"table", "json", "yaml", "dot", "mermaid"}

// String implements pflag.Value.
func (o *planOutput) String() string { return string(*o) }

// Type implements pflag.Value.
func (o *planOutput) Type() string { return "format" }

// Set implements pflag.Value.
func (o *planOutput) Set(text string) error {
	if !slices.Contains(planOutputs, text) {
		return fmt.Errorf("it is one of %s", strings.Join(planOutputs, ", "))
	}
	*o = planOutput(text)
	return nil
}

func (a *App) planCommand(m mode) *cobra.Command {
	show := &planFlags{}
	m.plan = show
	cmd := &cobra.Command{
		Use:   "plan COMMAND",
		Short: "Show what a command would do, and why; change nothing",
		Long: `Show the steps of a command in their order: where each runs, what it waits for and why it is
there, and which tasks are left out. Everything is read and checked as the command itself would;
nothing is changed. The exit code is 2 when there is something to do, 0 when there is nothing.`,
		Example: `  # The steps of an install
  kubectl tasks plan install web ./chart

  # The smallest Role that lets somebody do it
  kubectl tasks plan install web ./chart --rbac

  # The same for a program, and as a picture
  kubectl tasks plan upgrade web ./chart -o json
  kubectl tasks plan uninstall web -o mermaid`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			a.parsed = true
			return nil
		},
	}
	cmd.AddCommand(a.runCommand(m), a.installCommand(m), a.upgradeCommand(m), a.rollbackCommand(m), a.uninstallCommand(m))
	for _, sub := range cmd.Commands() {
		sub.Example = ""
		// A plan has formats of its own.
		output := sub.Flags().Lookup("output")
		sub.Flags().BoolVar(&show.rbac, "rbac", false, "print the Role that the command needs, ready to be applied")
		output.Value, output.DefValue, output.Usage = &show.output, "", "output format, one of "+strings.Join(planOutputs, ", ")
	}
	return cmd
}

// showPlan writes the plan of a command that is not run.
func (a *App) showPlan(ctx context.Context, show *planFlags, result *action.Result) error {
	if show.rbac {
		roles, err := result.Roles(ctx)
		fmt.Fprint(a.Out, roles)
		return err
	}
	p := result.Plan
	switch output := string(show.output); output {
	case "dot":
		report.Dot(a.Out, p)
	case "mermaid":
		report.Mermaid(a.Out, p)
	case "json", "yaml":
		if err := a.printObject(output, report.NewPlanObject(p)); err != nil {
			return err
		}
	default:
		if err := report.PlanReasons(a.Out, p); err != nil {
			return err
		}
	}
	if len(result.Untrusted) > 0 {
		fmt.Fprintf(a.ErrOut, "refused without --allow-host-tasks:\n%s\n", strings.Join(result.Untrusted, "\n"))
	}
	if slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Task == nil || s.Task.Skip == "" }) {
		return action.SilentError{Code: exitPlan}
	}
	return nil
}
