package release

import (
	"cmp"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Rollback is helm rollback.
type Rollback struct {
	base
	client *action.Rollback

	// target is the revision that is restored; set by Prepare.
	target *helmrelease.Release
	// succeeded reports that the rollback is complete.
	succeeded bool
}

// NewRollback returns a rollback with Helm's defaults.
func NewRollback(h *Helm) *Rollback {
	return &Rollback{base: base{helm: h, format: output.Table}, client: action.NewRollback(h.config)}
}

// AddFlags adds the flags of helm rollback, and --output.
func (r *Rollback) AddFlags(fs *pflag.FlagSet) {
	c := r.client
	fs.BoolVar(&c.DryRun, "dry-run", false, "simulate a rollback; no task runs; each is shown in its place")
	fs.BoolVar(&c.Recreate, "recreate-pods", false, "performs pods restart for the resource if applicable")
	fs.BoolVar(&c.Force, "force", false, "force resource update through delete/recreate if needed")
	fs.BoolVar(&c.DisableHooks, "no-hooks", false, "prevent hooks from running during rollback")
	fs.DurationVar(&c.Timeout, "timeout", defaultTimeout, "time to wait for any individual Kubernetes operation (like Jobs for hooks)")
	fs.BoolVar(&c.Wait, "wait", false, "wait until all Pods, PVCs, Services, and minimum number of Pods of a Deployment, StatefulSet, or ReplicaSet are ready before marking the release as successful, for as long as --timeout")
	fs.BoolVar(&c.WaitForJobs, "wait-for-jobs", false, "if --wait is set too, wait until all Jobs have been completed before marking the release as successful, for as long as --timeout")
	fs.BoolVar(&c.CleanupOnFail, "cleanup-on-fail", false, "allow deletion of new resources created in this rollback when rollback fails")
	fs.IntVar(&c.MaxHistory, "history-max", r.helm.Settings.env.MaxHistory, "limit the maximum number of revisions saved per release. Use 0 for no limit")
	addOutputFlag(fs, &r.format)
}

// Name sets the release and the revision from the arguments of helm rollback and returns the release's name. It
// makes no request to the cluster.
func (r *Rollback) Name(args []string) (string, error) {
	if len(args) > 1 {
		revision, err := strconv.Atoi(args[1])
		if err != nil || revision < 0 {
			return "", fmt.Errorf("the revision must be a number, not %q; see 'helm history %s'", args[1], args[0])
		}
		r.client.Version = revision
	}
	if err := chartutil.ValidateReleaseName(args[0]); err != nil {
		return "", fmt.Errorf("release name %q: %w", args[0], err)
	}
	r.name = args[0]
	return r.name, nil
}

// Resume makes Prepare continue a rollback that an earlier process started, to the same revision. It must be called
// before Prepare.
func (r *Rollback) Resume(i Interrupted) {
	r.base.Resume(i)
	r.client.Version = i.Target
}

// Prepare checks, without changing anything, whether the release can be rolled back to the revision. Its errors are
// *PreflightError.
func (r *Rollback) Prepare() (Change, error) {
	if err := r.prepare(); err != nil {
		return nil, err
	}
	c := r.client
	r.facts = Facts{
		Operation: task.Rollback, DryRun: c.DryRun, Timeout: c.Timeout, NextRevision: revision(r.last) + 1, Target: revision(r.target),
		AlreadyApplied: r.interrupted != nil && r.succeeded, MaxHistory: c.MaxHistory,
	}
	return r, nil
}

func (r *Rollback) prepare() error {
	if err := r.helm.config.KubeClient.IsReachable(); err != nil {
		return &PreflightError{err}
	}
	last, err := r.helm.find(r.name)
	switch {
	case err != nil:
		return &PreflightError{err}
	case last == nil:
		return &PreflightError{fmt.Errorf("release %q not found in namespace %q", r.name, r.helm.namespace)}
	case last.Info.Status.IsPending():
		return &PreflightError{newPendingError(last, r.client.DryRun)}
	}
	target := r.client.Version
	if target == 0 {
		target = last.Version - 1
	}
	to, err := r.helm.config.Releases.Get(r.name, target)
	if err != nil {
		return &PreflightError{fmt.Errorf("release %q has no revision %d; see 'helm history %s'", r.name, target, r.name)}
	}
	r.target, r.last = to, last
	if r.interrupted.deployed(last) {
		r.release, r.succeeded = last, true
	}
	return nil
}

// Apply rolls the release back; a dry run changes nothing. If it fails after Helm stored the new revision, Revision
// returns that one.
func (r *Rollback) Apply() error {
	err := r.helm.rollBack(r.client, r.name)
	r.succeeded = err == nil
	if r.client.DryRun {
		return err
	}
	last, lastErr := r.helm.config.Releases.Last(r.name)
	if lastErr == nil && (r.last == nil || last.Version > r.last.Version) {
		r.release = last
	}
	return cmp.Or(err, lastErr)
}

// rollBack rolls a release back, with the hooks of the revision that is restored.
func (h *Helm) rollBack(c *action.Rollback, name string) error {
	a := &activeChange{before: helmrelease.HookPreRollback, after: helmrelease.HookPostRollback, timeout: c.Timeout}
	_, err := h.runWithHooks(a, actionFlags{noHooks: &c.DisableHooks, wait: &c.Wait}, func() error { return c.Run(name) })
	return err
}

// Print writes the output of helm rollback; as JSON or YAML the release after it. Unless run is nil, it is added to
// these under the key "run".
func (r *Rollback) Print(out io.Writer, run any) error {
	if r.format != output.Table {
		return printRelease(out, r.format, status{release: r.release, run: run})
	}
	if !r.succeeded {
		return nil
	}
	_, err := io.WriteString(out, "Rollback was a success! Happy Helming!\n")
	return err
}
