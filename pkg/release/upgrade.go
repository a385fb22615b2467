package release

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Upgrade is helm upgrade, also with --install.
type Upgrade struct {
	helm   *Helm
	client *action.Upgrade
	chart  chartSource
	render postRenderer
	format output.Format

	createNamespace bool
	dry             bool
	name            string
	// last is the release's newest revision; set by Prepare.
	last *helmrelease.Release
	// current is the revision that is upgraded; set by Prepare.
	current *helmrelease.Release
	release *helmrelease.Release
	failed  bool
	// notBack is why --atomic could not take it back.
	notBack error
	// begun is what an earlier process had begun; nil when there was none.
	begun *Begun
	// instead is the install that --install turned the upgrade into, because there was no
	// release of that name.
	instead *Install
}

// NewUpgrade returns an upgrade with Helm's defaults.
func NewUpgrade(h *Helm) *Upgrade {
	u := &Upgrade{helm: h, client: action.NewUpgrade(h.config), format: output.Table}
	u.chart = chartSource{helm: h, options: &u.client.ChartPathOptions}
	return u
}

// AddFlags adds the flags of helm upgrade.
func (u *Upgrade) AddFlags(fs *pflag.FlagSet) {
	c := u.client
	fs.BoolVar(&u.createNamespace, "create-namespace", false, "if --install is set, create the release namespace if not present")
	fs.BoolVarP(&c.Install, "install", "i", false, "if a release by this name doesn't already exist, run an install")
	fs.BoolVar(&c.Devel, "devel", false, "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored")
	fs.StringVar(&c.DryRunOption, "dry-run", "", "simulate an upgrade: 'client' (also without a value) does not contact the cluster for rendering, 'server' does; no task is run, each is shown in its place")
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
	fs.BoolVar(&c.Atomic, "rollback-on-failure", false, "the same as --atomic: when Helm's part or a task fails, take back what tasks have done, and roll the release back")
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
	u.render.addFlags(fs)
}

// Name takes the release's name and the chart's reference from the arguments of helm upgrade.
// It asks the cluster nothing.
func (u *Upgrade) Name(args []string) (name, chart string, err error) {
	if u.client.DryRunOption, u.dry, err = dryRun(u.client.DryRunOption); err != nil {
		return "", "", err
	}
	if u.client.PostRenderer, err = u.render.renderer(); err != nil {
		return "", "", err
	}
	u.name = args[0]
	return args[0], args[1], nil
}

// Prepare finds out, without changing anything, what would make the upgrade fail at once, and
// whether it is an upgrade or, with --install, an install.
func (u *Upgrade) Prepare(chart string) error {
	if err := u.helm.config.KubeClient.IsReachable(); err != nil {
		return &PreflightError{u.wrap(err)}
	}
	last, err := u.helm.exists(u.name)
	if err != nil {
		return &PreflightError{u.wrap(err)}
	}
	u.last, u.current, u.instead = last, nil, nil
	uninstalled := last != nil && last.Info.Status == helmrelease.StatusUninstalled
	wasInstall := u.begun != nil && u.begun.Operation == task.Install
	if u.client.Install && (last == nil || uninstalled || wasInstall) {
		u.instead = u.asInstall(uninstalled)
		u.instead.begun = u.begun
		if _, _, err := u.instead.Name([]string{u.name, chart}); err != nil {
			return err
		}
		return u.instead.Prepare(chart)
	}
	if last == nil {
		return &PreflightError{u.wrap(driver.NewErrNoDeployedReleases(u.name))}
	}
	if last.Info.Status.IsPending() {
		return &PreflightError{u.wrap(inProgress(last))}
	}
	if u.current, err = u.helm.current(last); err != nil {
		return &PreflightError{u.wrap(err)}
	}
	if u.begun.made(last) {
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
	if err := u.chart.locate(chart); err != nil {
		return err
	}
	u.client.SetRegistryClient(u.chart.registry)
	return nil
}

// asInstall returns the install with the same settings.
func (u *Upgrade) asInstall(replace bool) *Install {
	from := u.client
	i := NewInstall(u.helm)
	i.asUpgrade, i.format, i.render = true, u.format, u.render
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

// Apply upgrades the release, or renders it only, when it is a dry run.
func (u *Upgrade) Apply() error {
	if u.instead != nil {
		return u.instead.Apply()
	}
	chart, err := u.chart.load()
	if err != nil {
		return err
	}
	u.helm.renew()
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

// run upgrades the release with the chart's hooks.
func (u *Upgrade) run(chart *chart.Chart) error {
	c := u.client
	a := &around{before: helmrelease.HookPreUpgrade, after: helmrelease.HookPostUpgrade, wording: "%s hooks failed: %w", timeout: c.Timeout}
	undo, err := u.helm.runAround(a, settings{&c.DisableHooks, &c.Wait, &c.Atomic}, func() (err error) {
		u.release, err = c.Run(u.name, chart, u.chart.merged)
		return err
	})
	if !undo {
		return err
	}
	if _, u.notBack = u.rollBack(); u.notBack != nil {
		return fmt.Errorf("an error occurred while rolling back the release. original upgrade error: %w: %w", err, u.notBack)
	}
	return fmt.Errorf("release %s failed, and has been rolled back due to atomic being set: %w", u.name, err)
}

func (u *Upgrade) wrap(err error) error {
	if u.instead != nil {
		return err
	}
	return fmt.Errorf("UPGRADE FAILED: %w", err)
}

// DryRun reports whether nothing is to be changed.
func (u *Upgrade) DryRun() bool { return u.dry }

// Objects returns what Apply applied.
func (u *Upgrade) Objects() ([]*unstructured.Unstructured, error) {
	if u.instead != nil {
		return u.instead.Objects()
	}
	return appliedObjects(u.release)
}

// Revision is the number of the release's revision that Apply made; 0 when there is none.
func (u *Upgrade) Revision() int {
	if u.instead != nil {
		return u.instead.Revision()
	}
	return revision(u.release)
}

// Timeout is how long one wait may take.
func (u *Upgrade) Timeout() time.Duration { return u.client.Timeout }

// Operation is task.Upgrade, or task.Install when Prepare found no release to upgrade.
func (u *Upgrade) Operation() task.Operation {
	if u.instead != nil {
		return task.Install
	}
	return task.Upgrade
}

// Format is that of Print: table, json or yaml.
func (u *Upgrade) Format() string { return string(u.format) }

// Print writes what helm upgrade writes. When run is not nil, it is added to JSON and YAML under
// the key "run".
func (u *Upgrade) Print(out io.Writer, run any) error {
	rel, headline := u.release, fmt.Sprintf("Release %q has been upgraded. Happy Helming!\n", u.name)
	failed := u.failed
	if u.instead != nil {
		failed = u.instead.failed
		rel, headline = u.instead.release, fmt.Sprintf("Release %q does not exist. Installing it now.\n", u.name)
	}
	if u.format == output.Table && rel != nil && !failed {
		if _, err := io.WriteString(out, headline); err != nil {
			return err
		}
	}
	return printRelease(out, u.format, status{release: rel, failed: failed, debug: u.helm.Settings.Debug(), hideNotes: u.client.HideNotes, run: run})
}
