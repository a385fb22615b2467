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

// exitPlan is the exit code of a plan with steps to run.
const exitPlan = 2

// planFlags are the flags of the commands below "plan".
type planFlags struct {
	output planOutput
	// rbac shows the Role that the command needs instead of its steps.
	rbac bool
}

// planOutput is the --output of a plan, which replaces that of the command. It implements pflag.Value.
type planOutput string

var planOutputs = []string{"table", "json", "yaml", "dot", "mermaid"}

// String implements pflag.Value.
func (o *planOutput) String() string { return string(*o) }

// Type implements pflag.Value.
func (o *planOutput) Type() string { return "format" }

// Set implements pflag.Value.
func (o *planOutput) Set(text string) error {
	if !slices.Contains(planOutputs, text) {
		return fmt.Errorf("use one of %s", strings.Join(planOutputs, ", "))
	}
	*o = planOutput(text)
	return nil
}

func (a *App) planCommand(m mode) *cobra.Command {
	show := &planFlags{}
	m.plan = show
	cmd := &cobra.Command{
		Use:   "plan COMMAND",
		Short: "Show the steps of a command and their reasons, and change nothing",
		Long: `Show the steps of a command in their order, each with its place, the steps that it waits for and its
reason, and then the tasks that do not run. The input of the command is read and checked as for a run, and
nothing is changed. The exit code is 2 if the plan has steps to run, and 0 if it has none.`,
		Example: `  # Show the steps of an install
  kubectl tasks plan install web ./chart

  # Print the smallest Role that allows an install
  kubectl tasks plan install web ./chart --rbac

  # Print a plan as JSON, or as a diagram
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
		// A plan has its own formats.
		output := sub.Flags().Lookup("output")
		sub.Flags().BoolVar(&show.rbac, "rbac", false, "print the Role that the command needs, as YAML")
		output.Value, output.DefValue, output.Usage = &show.output, "", "output format; one of "+strings.Join(planOutputs, ", ")
	}
	return cmd
}

// showPlan writes a plan.
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
