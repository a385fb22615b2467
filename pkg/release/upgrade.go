package release

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Upgrade is helm upgrade. With --install, Prepare may return an *Install in its place.
type Upgrade struct {
	base
	client       *action.Upgrade
	chart        chartSource
	postRenderer postRendererFlags

	// reference is the chart's, as the user wrote it.
	reference       string
	createNamespace bool
	dry             bool
	// current is the revision that is upgraded; set by Prepare.
	current *helmrelease.Release
	failed  bool
	// rollbackErr is why --atomic could not roll back.
	rollbackErr error
}

// NewUpgrade returns an upgrade with Helm's defaults.
func NewUpgrade(h *Helm) *Upgrade {
	u := &Upgrade{base: base{helm: h, format: output.Table}, client: action.NewUpgrade(h.config)}
	u.chart = chartSource{helm: h, options: &u.client.ChartPathOptions}
	return u
}

// AddFlags adds the flags of helm upgrade.
func (u *Upgrade) AddFlags(fs *pflag.FlagSet) {
	c := u.client
	fs.BoolVar(&u.createNamespace, "create-namespace", false, "if --install is set, create the release namespace if not present")
	fs.BoolVarP(&c.Install, "install", "i", false, "if a release by this name doesn't already exist, run an install")
	fs.BoolVar(&c.Devel, "devel", false, "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored")
	fs.StringVar(&c.DryRunOption, "dry-run", "", "simulate an upgrade: 'client' (also without a value) does not contact the cluster for rendering, 'server' does; no task runs; each is shown in its place")
	fs.Lookup("dry-run").NoOptDefVal = "client"
	fs.BoolVar(&c.HideSecret, "hide-secret", false, "hide Kubernetes Secrets when also using the --dry-run flag")
	fs.BoolVar(&c.Recreate, "recreate-pods", false, "performs pods restart for the resource if applicable")
	_ = fs.MarkDeprecated("recreate-pods", "functionality will no longer be updated. Consult the documentation for other methods to recreate pods")
	fs.BoolVar(&c.Force, "force", false, "force resource updates through a replacement strategy")
	fs.BoolVar(&c.DisableHooks, "no-hooks", false, "disable pre/post upgrade hooks")
	fs.BoolVar(&c.DisableOpenAPIValidation, "disable-openapi-validation", false, "do not validate rendered templates against the Kubernetes OpenAPI Schema")
	fs.BoolVar(&c.SkipCRDs, "skip-crds", false, "install no CRDs when --install installs. By default, CRDs are installed if not already present")
	fs.DurationVar(&c.Timeout, "timeout", defaultTimeout, "time to wait for any individual Kubernetes operation (like Jobs for hooks)")
	fs.BoolVar(&c.ResetValues, "reset-values", false, "when upgrading, reset the values to the ones built into the chart")
	fs.BoolVar(&c.ReuseValues, "reuse-values", false, "when upgrading, reuse the last release's values and merge in any overrides from the command line via --set and -f. If '--reset-values' is specified, this is ignored")
	fs.BoolVar(&c.ResetThenReuseValues, "reset-then-reuse-values", false, "when upgrading, reset the values to the ones built into the chart, apply the last release's values and merge in any overrides from the command line via --set and -f. If '--reset-values' or '--reuse-values' is specified, this is ignored")
	fs.BoolVar(&c.Wait, "wait", false, "wait until all Pods, PVCs, Services, and minimum number of Pods of a Deployment, StatefulSet, or ReplicaSet are ready before marking the release as successful, for as long as --timeout")
	fs.BoolVar(&c.WaitForJobs, "wait-for-jobs", false, "if --wait is set too, wait until all Jobs have been completed before marking the release as successful, for as long as --timeout")
	fs.BoolVar(&c.Atomic, "atomic", false, "roll back the changes of a failed upgrade; sets --wait")
	fs.BoolVar(&c.Atomic, "rollback-on-failure", false, "the same as --atomic: when Helm's part or a task fails, undo the completed tasks, and roll the release back")
	fs.IntVar(&c.MaxHistory, "history-max", u.helm.Settings.env.MaxHistory, "limit the maximum number of revisions saved per release. Use 0 for no limit")
	fs.BoolVar(&c.CleanupOnFail, "cleanup-on-fail", false, "allow deletion of new resources created in this upgrade when upgrade fails")
	fs.BoolVar(&c.SubNotes, "render-subchart-notes", false, "render subchart notes along with the parent")
	fs.BoolVar(&c.HideNotes, "hide-notes", false, "do not show notes in upgrade output. Does not affect presence in chart metadata")
	fs.BoolVar(&c.SkipSchemaValidation, "skip-schema-validation", false, "disable JSON schema validation")
	fs.StringToStringVarP(&c.Labels, "labels", "l", nil, "labels to add to the release metadata, separated by commas; merged with the labels of the release. Unset a label with null")
	fs.StringVar(&c.Description, "description", "", "add a custom description")
	fs.BoolVar(&c.DependencyUpdate, "dependency-update", false, "update dependencies if they are missing before installing the chart")
	fs.BoolVar(&c.EnableDNS, "enable-dns", false, "enable DNS lookups when rendering templates")
	fs.BoolVar(&c.TakeOwnership, "take-ownership", false, "ignore the check for helm annotations and take ownership of the existing resources")
	addChartFlags(fs, &c.ChartPathOptions)
	addValueFlags(fs, &u.chart.values)
	addOutputFlag(fs, &u.format)
	u.postRenderer.addFlags(fs)
}

// Name sets the release and the chart from the arguments of helm upgrade and returns the release's name. It checks
// the flags and makes no request to the cluster.
func (u *Upgrade) Name(args []string) (string, error) {
	var err error
	if u.client.DryRunOption, u.dry, err = parseDryRun(u.client.DryRunOption); err != nil {
		return "", err
	}
	if u.client.PostRenderer, err = u.postRenderer.renderer(); err != nil {
		return "", err
	}
	u.name, u.reference = args[0], args[1]
	return u.name, nil
}

// Prepare reads the chart and the values and checks, without changing anything, what would make the upgrade fail at
// once. With --install, and if there is no release to upgrade, it returns the *Install that is carried out in its
// place. Errors about the cluster are *PreflightError.
func (u *Upgrade) Prepare() (Change, error) {
	if err := u.helm.config.KubeClient.IsReachable(); err != nil {
		return nil, &PreflightError{u.wrap(err)}
	}
	last, err := u.helm.find(u.name)
	if err != nil {
		return nil, &PreflightError{u.wrap(err)}
	}
	u.last, u.current = last, nil
	uninstalled := last != nil && last.Info.Status == helmrelease.StatusUninstalled
	wasInstall := u.interrupted != nil && u.interrupted.Operation == task.Install
	if u.client.Install && (last == nil || uninstalled || wasInstall) {
		i := u.asInstall(uninstalled)
		if _, err := i.Name([]string{u.name, u.reference}); err != nil {
			return nil, err
		}
		return i.Prepare()
	}
	if last == nil {
		return nil, &PreflightError{u.wrap(driver.NewErrNoDeployedReleases(u.name))}
	}
	if err := u.prepare(last); err != nil {
		return nil, err
	}
	c := u.client
	u.facts = Facts{
		Operation: task.Upgrade, DryRun: u.dry, Timeout: c.Timeout, NextRevision: revision(u.last) + 1, AlreadyApplied: u.applied(),
		RollbackOnFailure: c.Atomic, MaxHistory: c.MaxHistory,
	}
	return u, nil
}

// prepare checks the upgrade of a release whose newest revision is last.
func (u *Upgrade) prepare(last *helmrelease.Release) error {
	if last.Info.Status.IsPending() {
		return &PreflightError{u.wrap(newPendingError(last, u.dry))}
	}
	var err error
	if u.current, err = u.helm.current(last); err != nil {
		return &PreflightError{u.wrap(err)}
	}
	if u.interrupted.deployed(last) {
		u.release = last
		if before, err := u.helm.config.Releases.Get(u.name, last.Version-1); err == nil {
			u.last = before
		}
	}

	if u.client.Version == "" && u.client.Devel {
		u.client.Version = ">0.0.0-0"
	}
	u.client.Namespace = u.helm.namespace
	u.chart.updateDependencies = u.client.DependencyUpdate
	if err := u.chart.locate(u.reference); err != nil {
		return err
	}
	u.client.SetRegistryClient(u.chart.registry)
	return nil
}

// asInstall returns an install with the same flags.
func (u *Upgrade) asInstall(replace bool) *Install {
	from := u.client
	i := NewInstall(u.helm)
	i.asUpgrade, i.format, i.postRenderer, i.interrupted, i.maxHistory = true, u.format, u.postRenderer, u.interrupted, from.MaxHistory
	i.chart.values = u.chart.values
	to := i.client
	to.ChartPathOptions = from.ChartPathOptions
	to.CreateNamespace = u.createNamespace
	to.Replace = replace
	to.Force = from.Force
	to.DryRunOption = from.DryRunOption
	to.DisableHooks = from.DisableHooks
	to.SkipCRDs = from.SkipCRDs
	to.Timeout = from.Timeout
	to.Wait = from.Wait
	to.WaitForJobs = from.WaitForJobs
	to.Devel = from.Devel
	to.Atomic = from.Atomic
	to.DisableOpenAPIValidation = from.DisableOpenAPIValidation
	to.SubNotes = from.SubNotes
	to.HideNotes = from.HideNotes
	to.SkipSchemaValidation = from.SkipSchemaValidation
	to.Description = from.Description
	to.DependencyUpdate = from.DependencyUpdate
	to.Labels = from.Labels
	to.EnableDNS = from.EnableDNS
	to.HideSecret = from.HideSecret
	to.TakeOwnership = from.TakeOwnership
	return i
}

// Apply upgrades the release; a dry run only renders the chart.
func (u *Upgrade) Apply() error {
	chart, err := u.chart.load()
	if err != nil {
		return err
	}
	u.helm.resetCapabilities()
	if u.dry {
		u.release, err = u.client.Run(u.name, chart, u.chart.merged)
	} else {
		err = u.run(chart)
	}
	if u.failed = err != nil; u.failed {
		return u.wrap(err)
	}
	return nil
}

// run upgrades the release with the chart's hooks. With --atomic it rolls back after a failure.
func (u *Upgrade) run(chart *chart.Chart) error {
	c := u.client
	a := &activeChange{before: helmrelease.HookPreUpgrade, after: helmrelease.HookPostUpgrade, errorFormat: "%s hooks failed: %w", timeout: c.Timeout}
	undo, err := u.helm.runWithHooks(a, actionFlags{&c.DisableHooks, &c.Wait, &c.Atomic}, func() (err error) {
		u.release, err = c.Run(u.name, chart, u.chart.merged)
		return err
	})
	if !undo {
		return err
	}
	if _, u.rollbackErr = u.rollBack(); u.rollbackErr != nil {
		return fmt.Errorf("an error occurred while rolling back the release. original upgrade error: %w: %w", err, u.rollbackErr)
	}
	return fmt.Errorf("release %s failed, and has been rolled back due to atomic being set: %w", u.name, err)
}

// wrap words an error as Helm does.
func (u *Upgrade) wrap(err error) error { return fmt.Errorf("UPGRADE FAILED: %w", err) }

// Stale reports whether the release has changed since Prepare. A change that is already applied is not stale.
func (u *Upgrade) Stale() (bool, error) {
	if u.facts.AlreadyApplied {
		return false, nil
	}
	return u.base.Stale()
}

// Print writes the output of helm upgrade. Unless run is nil, it is added to JSON and YAML under the key "run".
func (u *Upgrade) Print(out io.Writer, run any) error {
	if u.format == output.Table && u.release != nil && !u.failed {
		if _, err := fmt.Fprintf(out, "Release %q has been upgraded. Happy Helming!\n", u.name); err != nil {
			return err
		}
	}
	return printRelease(out, u.format, status{release: u.release, failed: u.failed, debug: u.helm.Settings.Debug(), hideNotes: u.client.HideNotes, run: run})
}
