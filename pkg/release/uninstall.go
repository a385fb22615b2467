package release

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Uninstall is helm uninstall of one release.
type Uninstall struct {
	base
	client *action.Uninstall

	notFound bool
	// succeeded reports that the uninstall is complete.
	succeeded bool
	response  *helmrelease.UninstallReleaseResponse
}

// NewUninstall returns an uninstall with Helm's defaults.
func NewUninstall(h *Helm) *Uninstall {
	return &Uninstall{base: base{helm: h, format: output.Table}, client: action.NewUninstall(h.config)}
}

// AddFlags adds the flags of helm uninstall, and --output.
func (u *Uninstall) AddFlags(fs *pflag.FlagSet) {
	c := u.client
	fs.BoolVar(&c.DryRun, "dry-run", false, "simulate an uninstall; no task runs; each is shown in its place")
	fs.BoolVar(&c.DisableHooks, "no-hooks", false, "prevent hooks from running during uninstallation")
	fs.BoolVar(&c.IgnoreNotFound, "ignore-not-found", false, `treat "release not found" as a successful uninstall`)
	fs.BoolVar(&c.KeepHistory, "keep-history", false, "remove all associated resources and mark the release as deleted, but retain the release history")
	fs.BoolVar(&c.Wait, "wait", false, "wait until all the resources are deleted before returning, for as long as --timeout")
	fs.StringVar(&c.DeletionPropagation, "cascade", "background", "must be \"background\", \"orphan\", or \"foreground\": the deletion cascading strategy for the dependents")
	fs.DurationVar(&c.Timeout, "timeout", defaultTimeout, "time to wait for any individual Kubernetes operation (like Jobs for hooks)")
	fs.StringVar(&c.Description, "description", "", "add a custom description")
	addOutputFlag(fs, &u.format)
}

// Validate checks the flags.
func (u *Uninstall) Validate() error {
	switch u.client.DeletionPropagation {
	case "background", "foreground", "orphan":
		return nil
	}
	return fmt.Errorf("invalid cascade value (%s). Must be \"background\", \"foreground\", or \"orphan\"", u.client.DeletionPropagation)
}

// For returns a copy of the uninstall, with the same flags, for the release of that name.
func (u *Uninstall) For(name string) *Uninstall {
	one := *u
	one.name, one.response, one.succeeded, one.notFound, one.last = name, nil, false, false, nil
	return &one
}

// Prepare checks, without changing anything, whether the release can be uninstalled. Errors about the cluster are
// *PreflightError.
func (u *Uninstall) Prepare() (Change, error) {
	if err := u.prepare(); err != nil {
		return nil, err
	}
	c := u.client
	u.facts = Facts{
		Operation: task.Uninstall, DryRun: c.DryRun, Timeout: c.Timeout, NextRevision: revision(u.last),
		AlreadyApplied: u.interrupted != nil && u.succeeded, MaxHistory: u.helm.Settings.env.MaxHistory, KeepHistory: c.KeepHistory,
	}
	return u, nil
}

func (u *Uninstall) prepare() error {
	if err := chartutil.ValidateReleaseName(u.name); err != nil {
		return fmt.Errorf("uninstall: release name %q: %w", u.name, err)
	}
	if err := u.helm.config.KubeClient.IsReachable(); err != nil {
		return &PreflightError{err}
	}
	last, err := u.helm.find(u.name)
	switch {
	case err != nil:
		return &PreflightError{err}
	case u.interrupted != nil && (last == nil || last.Info.Status == helmrelease.StatusUninstalled):
		u.last, u.succeeded = last, true
	case last == nil && u.client.IgnoreNotFound:
		u.notFound = true
	case last == nil:
		return &PreflightError{fmt.Errorf("uninstall: release %q not found in namespace %q", u.name, u.helm.namespace)}
	case last.Info.Status == helmrelease.StatusUninstalled && u.client.KeepHistory && !u.client.DryRun:
		return &PreflightError{fmt.Errorf("the release named %q is already deleted", u.name)}
	default:
		u.last = last
	}
	return nil
}

// NotFound reports, after Prepare, that there is no such release, which --ignore-not-found allows.
func (u *Uninstall) NotFound() bool { return u.notFound }

// Apply uninstalls the release; a dry run changes nothing.
func (u *Uninstall) Apply() error {
	var err error
	u.response, err = u.helm.uninstall(u.client, u.name, u.last)
	u.succeeded = err == nil
	return err
}

// uninstall uninstalls a release with its hooks. last is its newest revision; nil if it is not known.
func (h *Helm) uninstall(c *action.Uninstall, name string, last *helmrelease.Release) (*helmrelease.UninstallReleaseResponse, error) {
	var response *helmrelease.UninstallReleaseResponse
	run := func() (err error) {
		h.client.deletionErr = nil
		if response, err = c.Run(name); err != nil && h.client.deletionErr != nil {
			return wrappedCause{err, h.client.deletionErr}
		}
		return err
	}
	if last == nil && !c.DryRun {
		last, _ = h.find(name) // Run returns the error
	}
	if c.DryRun || last == nil || last.Info.Status == helmrelease.StatusUninstalled {
		err := run()
		return response, err
	}
	a := &activeChange{before: helmrelease.HookPreDelete, after: helmrelease.HookPostDelete, timeout: c.Timeout, last: last}
	_, err := h.runWithHooks(a, actionFlags{noHooks: &c.DisableHooks, wait: &c.Wait}, func() error {
		// Helm stores the release only after the pre-delete hooks.
		if err := h.runPreDeleteHooks(a, last); err != nil {
			response = &helmrelease.UninstallReleaseResponse{Release: last}
			return err
		}
		return run()
	})
	return response, err
}

// wrappedCause is an error of Helm's that has only the text of its cause. It unwraps to both.
type wrappedCause struct {
	error
	cause error
}

func (w wrappedCause) Unwrap() []error { return []error{w.error, w.cause} }

// runPreDeleteHooks runs the hooks that precede the deletion. If they fail, it stores the release as uninstalling, as
// Helm does.
func (h *Helm) runPreDeleteHooks(a *activeChange, last *helmrelease.Release) error {
	if h.client.active == nil || !h.client.active.hooks {
		return nil // Helm runs them, or they do not run
	}
	status, description := last.Info.Status, last.Info.Description
	last.Info.Status, last.Info.Description = helmrelease.StatusUninstalling, "Deletion in progress (or silently failed)"
	last.Info.Deleted = helmtime.Now()
	err := h.client.runHooks(last, a.before, a.timeout)
	if err == nil {
		last.Info.Status, last.Info.Description = status, description
		return nil
	}
	return errors.Join(err, h.config.Releases.Update(last))
}

// Revision returns the number of the revision that Apply removed; 0 if there is none.
func (u *Uninstall) Revision() int {
	if u.response == nil {
		return 0
	}
	return revision(u.response.Release)
}

// Print writes the output of helm uninstall; as JSON or YAML the release that was removed. Unless run is nil, it is
// added to these under the key "run".
func (u *Uninstall) Print(out io.Writer, run any) error {
	if u.format != output.Table {
		var rel *helmrelease.Release
		if u.response != nil {
			rel = u.response.Release
		}
		return printRelease(out, u.format, status{release: rel, run: run})
	}
	if !u.succeeded {
		return nil
	}
	if u.response != nil && u.response.Info != "" {
		fmt.Fprintln(out, u.response.Info)
	}
	_, err := fmt.Fprintf(out, "release \"%s\" uninstalled\n", u.name)
	return err
}
