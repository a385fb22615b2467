package release

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Rollback is helm rollback.
type Rollback struct {
	helm   *Helm
	client *action.Rollback
	format output.Format

	name string
	// target is the revision to go back to; set by Prepare.
	target *helmrelease.Release
	// last is the newest revision, which is left; set by Prepare.
	last    *helmrelease.Release
	release *helmrelease.Release
	done    bool
	// begun is what an earlier process had begun; nil when there was none.
	begun *Begun
}

// NewRollback returns a rollback with Helm's defaults.
func NewRollback(h *Helm) *Rollback {
	return &Rollback{helm: h, client: action.NewRollback(h.config), format: output.Table}
}

// AddFlags adds the flags of helm rollback, and --output, which helm's command lacks.
func (r *Rollback) AddFlags(fs *pflag.FlagSet) {
	c := r.client
	fs.BoolVar(&c.DryRun, "dry-run", false, "simulate a rollback; no task is run, each is shown in its place")
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

// Name takes the release's name and the revision from the arguments of helm rollback. It asks the
// cluster nothing.
func (r *Rollback) Name(args []string) (string, error) {
	if len(args) > 1 {
		revision, err := strconv.Atoi(args[1])
		if err != nil || revision < 0 {
			return "", fmt.Errorf("the revision is a number, not %q; see 'helm history %s'", args[1], args[0])
		}
		r.client.Version = revision
	}
	if err := chartutil.ValidateReleaseName(args[0]); err != nil {
		return "", fmt.Errorf("release name %q: %w", args[0], err)
	}
	r.name = args[0]
	return r.name, nil
}

// Prepare finds out, without changing anything, whether there is the revision to go back to.
func (r *Rollback) Prepare() error {
	if err := r.helm.config.KubeClient.IsReachable(); err != nil {
		return &PreflightError{err}
	}
	last, err := r.helm.exists(r.name)
	switch {
	case err != nil:
		return &PreflightError{err}
	case last == nil:
		return &PreflightError{fmt.Errorf("release %q not found in namespace %q", r.name, r.helm.namespace)}
	case last.Info.Status.IsPending():
		return &PreflightError{inProgress(last)}
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
	if r.begun.made(last) {
		r.release, r.done = last, true
	}
	return nil
}

// Apply rolls the release back, or does nothing, when it is a dry run. A rollback that fails after its revision was
// stored has made that one.
func (r *Rollback) Apply() error {
	err := r.helm.rollBack(r.client, r.name)
	r.done = err == nil
	if r.client.DryRun {
		return err
	}
	last, lastErr := r.helm.config.Releases.Last(r.name)
	if lastErr == nil && (r.last == nil || last.Version > r.last.Version) {
		r.release = last
	}
	return cmp.Or(err, lastErr)
}

// rollBack rolls a release back with the hooks of the revision that is gone back to.
func (h *Helm) rollBack(c *action.Rollback, name string) error {
	a := &around{before: helmrelease.HookPreRollback, after: helmrelease.HookPostRollback, timeout: c.Timeout}
	_, err := h.runAround(a, settings{noHooks: &c.DisableHooks, wait: &c.Wait}, func() error { return c.Run(name) })
	return err
}

// DryRun reports whether nothing is to be changed.
func (r *Rollback) DryRun() bool { return r.client.DryRun }

// Objects returns what Apply applied.
func (r *Rollback) Objects() ([]*unstructured.Unstructured, error) { return appliedObjects(r.release) }

// Revision is the number of the revision that Apply made; 0 when there is none.
func (r *Rollback) Revision() int { return revision(r.release) }

// Timeout is how long one wait may take.
func (r *Rollback) Timeout() time.Duration { return r.client.Timeout }

// Operation is task.Rollback.
func (r *Rollback) Operation() task.Operation { return task.Rollback }

// Format is that of Print: table, json or yaml.
func (r *Rollback) Format() string { return string(r.format) }

// Print writes what helm rollback writes; as JSON or YAML the release as it is then. When run is
// not nil, it is added to these under the key "run".
func (r *Rollback) Print(out io.Writer, run any) error {
	if r.format != output.Table {
		return printRelease(out, r.format, status{release: r.release, run: run})
	}
	if !r.done {
		return nil
	}
	_, err := io.WriteString(out, "Rollback was a success! Happy Helming!\n")
	return err
}
