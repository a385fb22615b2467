package plugin

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
)

// exitPlan is the exit code of a plan with something to do.
const exitPlan = 2

// planning is set for the commands below "plan", which then show what they would do.
type planning struct {
	output planOutput
	// rbac shows the Role that the command needs, in the place of its steps.
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

func (a *App) planCommand() *cobra.Command {
	var show planning
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
			a.started = true
			a.planning = &show
			return nil
		},
	}
	cmd.AddCommand(a.runCommand(), a.installCommand(), a.upgradeCommand(), a.rollbackCommand(), a.uninstallCommand())
	for _, sub := range cmd.Commands() {
		sub.Example = ""
		// A plan has formats of its own.
		output := sub.Flags().Lookup("output")
		sub.Flags().BoolVar(&show.rbac, "rbac", false, "print the Role that the command needs, ready to be applied")
		output.Value, output.DefValue, output.Usage = &show.output, "", "output format, one of "+strings.Join(planOutputs, ", ")
	}
	return cmd
}

// showPlan writes the plan of a command that is not carried out.
func (a *App) showPlan(ctx context.Context, t *taskFlags, p plan.Plan, client *kube.Client, next func() ([]*unstructured.Unstructured, error)) error {
	if a.planning.rbac {
		return a.showRoles(ctx, t, p, client, next)
	}
	switch output := string(a.planning.output); output {
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
	if refused := untrusted(p.Tasks()); len(refused) > 0 && !t.allowHostTasks {
		fmt.Fprintf(a.ErrOut, "refused without --allow-host-tasks:\n%s\n", strings.Join(refused, "\n"))
	}
	if slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Task == nil || s.Task.Skip == "" }) {
		return silentError{exitPlan}
	}
	return nil
}

// showRoles writes the Roles with the rights that what was planned needs.
func (a *App) showRoles(ctx context.Context, t *taskFlags, p plan.Plan, client *kube.Client, next func() ([]*unstructured.Unstructured, error)) error {
	wanted := rightsOf(p, t.record.place)
	if next != nil {
		objects, err := next()
		if err != nil {
			return err
		}
		wanted = checks.WithObjects(wanted, client, objects)
	}
	roles, err := checks.Roles(p, wanted)
	if err != nil {
		return err
	}
	fmt.Fprint(a.Out, roles)
	return ctx.Err()
}

// rightsOf returns the rights that a plan needs, with those of its record.
func rightsOf(p plan.Plan, place string) runner.Rights {
	return checks.RightsOf(p, record.Place(place), os.Getenv("HELM_DRIVER"))
}
