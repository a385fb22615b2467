package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
)

func (a *App) cancelCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	wait := time.Minute
	cmd := &cobra.Command{
		Use:   "cancel [RUN]",
		Short: "Stop a run, also one of another machine",
		Long: `Stop a run that goes on, also on another machine: it stops as after Ctrl-C, and removes what it
has made. Of a run that died, the pods and Jobs are removed, and it is recorded as cancelled.
Without RUN it is the newest run of the namespace, or of --release, that has not ended.`,
		Example: `  # Stop the run of a release
  kubectl tasks cancel --release web`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.cancelRun(cmd.Context(), o, args, wait) },
	}
	o.addFlags(cmd)
	cmd.Flags().DurationVar(&wait, "timeout", wait, "how long to wait until the run has stopped")
	return cmd
}

func (a *App) cancelRun(ctx context.Context, o *pastOptions, args []string, wait time.Duration) error {
	runs, locks, err := o.open(a)
	if err != nil {
		return err
	}
	run, err := o.choose(ctx, a, runs, locks.Namespace, args, canStop)
	if err != nil {
		return err
	}
	if run.Finished() {
		a.say("run %s has ended already: %s", run.ID, run.Status)
		return nil
	}
	asked := false
	for end := time.Now().Add(wait); ; {
		state, held, err := lifeOf(ctx, runs, locks, &run.Run)
		switch {
		case err != nil:
			return preflight(ctx, err)
		case state == died:
			err := a.cleanDead(ctx, o.connection.client(), runs, locks, run.ID, held, wait)
			if !errors.Is(err, lock.ErrChanged) {
				return err
			}
		case state != running:
			a.print("run %s: %s", run.ID, state)
			return nil
		case !asked:
			if asked, err = locks.Cancel(ctx, lock.Name(run.Release, run.ID), run.ID, lock.Self(os.Getenv).String()); err != nil {
				return preflight(ctx, err)
			}
			if asked {
				a.say("asked %s to stop run %s", run.Owner, run.ID)
			}
		}
		left := time.Until(end)
		if left <= 0 {
			return runError{exitTimeout, fmt.Errorf("run %s has not stopped after %s; its process has been asked to", run.ID, wait)}
		}
		if err := runs.WaitChanged(ctx, run, min(left, look)); err != nil {
			return err
		}
		if run, err = runs.Get(ctx, run.ID); err != nil {
			return preflight(ctx, err)
		}
	}
}

// cleanDead removes what a run whose process is no more has left. held is the lock that it left; nil when it left none.
// The error is lock.ErrChanged when the process has come back.
func (a *App) cleanDead(ctx context.Context, client *kube.Client, runs record.Store, locks lock.Locks, id string, held *lock.Held, wait time.Duration) error {
	if held != nil { // it was watched already: nobody has to do that again
		if err := locks.Break(ctx, held); err != nil {
			return err
		}
	}
	run, err := runs.Get(ctx, id)
	if err != nil {
		return preflight(ctx, err)
	}
	self := lock.Self(os.Getenv)
	lock, err := locks.Acquire(ctx, lock.Name(run.Release, run.ID), lock.Holder{Owner: self, Run: run.ID}, wait)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release(context.WithoutCancel(ctx)) }() // it runs out by itself
	// Others may have gone on with it before the lock was ours.
	if run, err = runs.Get(ctx, id); err != nil {
		return preflight(ctx, err)
	}
	if run.Finished() {
		a.print("run %s: %s", run.ID, run.Status)
		return nil
	}
	return a.cleanRun(ctx, client, runs, run, self)
}

// cleanRun removes what a run that died has left, and records that it is over.
func (a *App) cleanRun(ctx context.Context, client *kube.Client, runs record.Store, run *record.Stored, self lock.Owner) error {
	var failed []error
	for _, s := range run.Steps {
		for _, o := range s.Created {
			if o.Container != "" {
				continue // the task ran in it, and did not make it
			}
			removed, err := client.Remove(ctx, run.ID, o, runner.StopGrace)
			if err != nil {
				failed = append(failed, fmt.Errorf("%s %s in namespace %q: %w", o.Kind, o.Name, o.Namespace, err))
			} else if removed {
				a.say("removed %s %s", o.Kind, o.Name)
			}
		}
	}
	for _, w := range run.ScaledUp {
		if err := (workload.Finder{Client: client}).ScaleBack(ctx, run.Namespace, w.Target, w.UID, w.Replicas); err != nil {
			failed = append(failed, err)
		} else {
			a.say("%s is scaled to zero again", w.Target)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	if err := record.Abandon(ctx, runs, run, self); err != nil {
		return err
	}
	a.print("run %s: %s", run.ID, run.Status)
	return nil
}

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
	o.place = recordCluster
	cmd.Flags().BoolVar(&force, "force", false, "break it also when the process that has it is alive: it stops as soon as it notices")
	return cmd
}

func (a *App) breakLock(ctx context.Context, o *pastOptions, name string, force bool) error {
	_, locks, err := o.open(a)
	if err != nil {
		return err
	}
	lockName := lock.Name(name, "")
	held, err := locks.Get(ctx, lockName)
	if err != nil {
		return &release.PreflightError{Err: err}
	}
	if held == nil {
		a.say("release %q in namespace %q is not locked", name, locks.Namespace)
		return nil
	}
	broken := locks.ForceBreak
	if !force {
		broken = locks.Break
		alive, err := locks.WaitRenewed(ctx, held)
		if err != nil {
			return &release.PreflightError{Err: err}
		}
		if alive {
			return refusedError{fmt.Sprintf("release %q is locked by %s for run %s, which is alive\nhint: 'kubectl tasks cancel %s' stops it; --force breaks the lock all the same", name, held.Owner, held.Run, held.Run)}
		}
	}
	err = broken(ctx, held)
	if errors.Is(err, lock.ErrChanged) {
		return refusedError{fmt.Sprintf("release %q: %v; it is not broken\nhint: 'kubectl tasks history --release %s' shows who is at work", name, err, name)}
	}
	if err != nil {
		return &release.PreflightError{Err: err}
	}
	a.print("release %q unlocked; it was locked by %s for run %s", name, held.Owner, held.Run)
	return nil
}
