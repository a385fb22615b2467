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
		Short: "Break the lock of a run that died",
		Long: `Break the lock of a release. The process that holds a lock renews it every few seconds. This command
first watches the lock for at most 15 seconds, and refuses to break it if it is renewed: 'kubectl tasks cancel'
stops the run that holds it. A run that waits for a lock takes over one that is not renewed.`,
		Example: `  # Break the lock of a release whose run died
  kubectl tasks unlock web`,
		Args:              arguments(1, 1),
		ValidArgsFunction: a.completeReleases(o.connection, 1),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.breakLock(cmd.Context(), o, args[0], force) },
	}
	o.connection.addFlags(cmd)
	o.place = string(action.RecordCluster)
	cmd.Flags().BoolVar(&force, "force", false, "break the lock even if its holder is alive; the run of the holder then stops")
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
