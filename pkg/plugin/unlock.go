package plugin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

func (a *App) unlockCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	force := false
	cmd := &cobra.Command{
		Use:   "unlock RELEASE",
		Short: "Break the lock of a run whose process is no more",
		Long: `Break the lock of a release. A process that has the lock renews it every few seconds, so this first
watches whether it does, for 15 seconds at most, and refuses when it is alive: 'kubectl tasks
cancel' stops it. A run that waits for the lock takes over one that is not renewed by itself.`,
		Example: `  # Nobody is at work on the release any more
  kubectl tasks unlock web`,
		Args:              arguments(1, 1),
		ValidArgsFunction: a.completeReleases(o.connection, 1),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.breakLock(cmd.Context(), o, args[0], force) },
	}
	o.connection.addFlags(cmd)
	o.place = string(action.RecordCluster)
	cmd.Flags().BoolVar(&force, "force", false, "break it also when the process that has it is alive: it stops as soon as it notices")
	return cmd
}

func (a *App) breakLock(ctx context.Context, o *pastOptions, name string, force bool) error {
	past, err := o.open(a)
	if err != nil {
		return err
	}
	held, err := past.Unlock(ctx, name, force)
	switch {
	case err != nil:
		return err
	case held == nil:
		a.say("release %q in namespace %q is not locked", name, past.Locks.Namespace)
	default:
		a.print("release %q unlocked; it was locked by %s for run %s", name, held.Owner, held.Run)
	}
	return nil
}
