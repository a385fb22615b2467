package release

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Install is helm install, also as the install that helm upgrade --install becomes.
type Install struct {
	base
	client       *action.Install
	chart        chartSource
	postRenderer postRendererFlags

	// reference is the chart's, as the user wrote it.
	reference string
	dry       bool
	failed    bool
	// rollbackErr is why --atomic could not uninstall the release.
	rollbackErr error
	// maxHistory is Facts.MaxHistory: Helm's default, or --history-max of an upgrade.
	maxHistory int
	// asUpgrade is set for helm upgrade --install, whose errors and output have other words.
	asUpgrade bool
}

// NewInstall returns an install with Helm's defaults.
func NewInstall(h *Helm) *Install {
	i := &Install{base: base{helm: h, format: output.Table}, client: action.NewInstall(h.config), maxHistory: h.Settings.env.MaxHistory}
	i.chart = chartSource{helm: h, options: &i.client.ChartPathOptions}
	return i
}

// AddFlags adds the flags of helm install.
func (i *Install) AddFlags(fs *pflag.FlagSet) {
	c := i.client
	fs.BoolVar(&c.CreateNamespace, "create-namespace", false, "create the release namespace if not present")
	fs.StringVar(&c.DryRunOption, "dry-run", "", "simulate an install: 'client' (also without a value) does not contact the cluster for rendering, 'server' does; no task runs; each is shown in its place")
	fs.Lookup("dry-run").NoOptDefVal = "client"
	fs.BoolVar(&c.Force, "force", false, "force resource updates through a replacement strategy")
	fs.BoolVar(&c.DisableHooks, "no-hooks", false, "prevent hooks from running during install")
	fs.BoolVar(&c.Replace, "replace", false, "re-use the given name, only if that name is a deleted release which remains in the history. This is unsafe in production")
	fs.DurationVar(&c.Timeout, "timeout", defaultTimeout, "time to wait for any individual Kubernetes operation (like Jobs for hooks)")
	fs.BoolVar(&c.Wait, "wait", false, "wait until all Pods, PVCs, Services, and minimum number of Pods of a Deployment, StatefulSet, or ReplicaSet are ready before marking the release as successful, for as long as --timeout")
	fs.BoolVar(&c.WaitForJobs, "wait-for-jobs", false, "if --wait is set too, wait until all Jobs have been completed before marking the release as successful, for as long as --timeout")
	fs.BoolVarP(&c.GenerateName, "generate-name", "g", false, "generate the name (and omit the NAME parameter)")
	fs.StringVar(&c.NameTemplate, "name-template", "", "specify template used to name the release")
	fs.StringVar(&c.Description, "description", "", "add a custom description")
	fs.BoolVar(&c.Devel, "devel", false, "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored")
	fs.BoolVar(&c.DependencyUpdate, "dependency-update", false, "update dependencies if they are missing before installing the chart")
	fs.BoolVar(&c.DisableOpenAPIValidation, "disable-openapi-validation", false, "do not validate rendered templates against the Kubernetes OpenAPI Schema")
	fs.BoolVar(&c.Atomic, "atomic", false, "delete the installation on failure; sets --wait")
	fs.BoolVar(&c.Atomic, "rollback-on-failure", false, "the same as --atomic: when Helm's part or a task fails, undo the completed tasks, and delete the installation")
	fs.BoolVar(&c.SkipCRDs, "skip-crds", false, "install no CRDs. By default, CRDs are installed if not already present")
	fs.BoolVar(&c.SubNotes, "render-subchart-notes", false, "render subchart notes along with the parent")
	fs.BoolVar(&c.SkipSchemaValidation, "skip-schema-validation", false, "disable JSON schema validation")
	fs.StringToStringVarP(&c.Labels, "labels", "l", nil, "labels to add to the release metadata, separated by commas")
	fs.BoolVar(&c.EnableDNS, "enable-dns", false, "enable DNS lookups when rendering templates")
	fs.BoolVar(&c.HideNotes, "hide-notes", false, "do not show notes in install output. Does not affect presence in chart metadata")
	fs.BoolVar(&c.TakeOwnership, "take-ownership", false, "ignore the check for helm annotations and take ownership of the existing resources")
	fs.BoolVar(&c.HideSecret, "hide-secret", false, "hide Kubernetes Secrets when also using the --dry-run flag")
	addValueFlags(fs, &i.chart.values)
	addChartFlags(fs, &c.ChartPathOptions)
	addOutputFlag(fs, &i.format)
	i.postRenderer.addFlags(fs)
}

// Name sets the release and the chart from the arguments of helm install and returns the release's name. It checks
// the flags and makes no request to the cluster.
func (i *Install) Name(args []string) (string, error) {
	var err error
	if i.client.DryRunOption, i.dry, err = parseDryRun(i.client.DryRunOption); err != nil {
		return "", err
	}
	if i.client.HideSecret && !i.dry {
		return "", errors.New("--hide-secret requires --dry-run")
	}
	if i.client.PostRenderer, err = i.postRenderer.renderer(); err != nil {
		return "", err
	}
	name, reference, err := i.client.NameAndChart(args)
	if err != nil {
		return "", err
	}
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return "", fmt.Errorf("release name %q: %w", name, err)
	}
	i.name, i.client.ReleaseName, i.reference = name, name, reference
	return name, nil
}

// Prepare reads the chart and the values and checks, without changing anything, what would make the install fail at
// once: a chart that is missing, a name in use, a cluster that is unreachable. Errors about the cluster are
// *PreflightError.
func (i *Install) Prepare() (Change, error) {
	if err := i.prepare(); err != nil {
		return nil, err
	}
	c := i.client
	i.facts = Facts{
		Operation: task.Install, DryRun: i.dry, Timeout: c.Timeout, NextRevision: revision(i.last) + 1, AlreadyApplied: i.applied(),
		CreateNamespace: c.CreateNamespace, RollbackOnFailure: c.Atomic, MaxHistory: i.maxHistory,
	}
	return i, nil
}

func (i *Install) prepare() error {
	if i.client.Version == "" && i.client.Devel {
		i.client.Version = ">0.0.0-0"
	}
	i.chart.updateDependencies = i.client.DependencyUpdate
	i.client.Namespace = i.helm.namespace
	if err := i.chart.locate(i.reference); err != nil {
		return i.wrap(err)
	}
	i.client.SetRegistryClient(i.chart.registry)
	if err := i.helm.config.KubeClient.IsReachable(); err != nil {
		return &PreflightError{i.wrap(err)}
	}
	if i.dry {
		return nil
	}
	last, err := i.helm.find(i.client.ReleaseName)
	if err != nil {
		return &PreflightError{i.wrap(err)}
	}
	if last == nil {
		return nil
	}
	i.last = last
	if i.interrupted != nil && last.Version == i.interrupted.Revision {
		switch {
		case i.interrupted.deployed(last):
			i.release = last
			return nil
		case last.Info.Status.IsPending():
			return &PreflightError{i.wrap(newPendingError(last, i.dry))}
		}
		i.client.Replace = true
	}
	if i.client.Replace && (last.Info.Status == helmrelease.StatusUninstalled || last.Info.Status == helmrelease.StatusFailed) {
		return nil
	}
	return &PreflightError{i.wrap(errors.New("cannot re-use a name that is still in use"))}
}

// Apply installs the chart; a dry run only renders it.
func (i *Install) Apply() error {
	chart, err := i.chart.load()
	if err != nil {
		return i.wrap(err)
	}
	i.helm.resetCapabilities()
	if i.dry {
		i.release, err = i.client.Run(chart, i.chart.merged)
	} else {
		err = i.run(chart)
	}
	if i.failed = err != nil; i.failed {
		return i.wrap(err)
	}
	return nil
}

// run installs the chart with its hooks. With --atomic it uninstalls it after a failure.
func (i *Install) run(chart *chart.Chart) error {
	c := i.client
	a := &activeChange{before: helmrelease.HookPreInstall, after: helmrelease.HookPostInstall, errorFormat: "failed %s: %w", timeout: c.Timeout}
	undo, err := i.helm.runWithHooks(a, actionFlags{&c.DisableHooks, &c.Wait, &c.Atomic}, func() (err error) {
		i.release, err = c.Run(chart, i.chart.merged)
		return err
	})
	if !undo {
		return err
	}
	if _, i.rollbackErr = i.rollBack(); i.rollbackErr != nil {
		return fmt.Errorf("an error occurred while uninstalling the release. original install error: %w: %w", err, i.rollbackErr)
	}
	return fmt.Errorf("release %s failed, and has been uninstalled due to atomic being set: %w", c.ReleaseName, err)
}

// wrap words an error as Helm does.
func (i *Install) wrap(err error) error {
	if i.asUpgrade {
		return err
	}
	return fmt.Errorf("INSTALLATION FAILED: %w", err)
}

// FirstDeployed returns when Apply installed the release; empty before.
func (i *Install) FirstDeployed() string { return firstDeployed(i.release) }

// Print writes the output of helm install, or of helm upgrade --install. Unless run is nil, it is added to JSON and
// YAML under the key "run".
func (i *Install) Print(out io.Writer, run any) error {
	if i.asUpgrade && i.format == output.Table && i.release != nil && !i.failed {
		if _, err := fmt.Fprintf(out, "Release %q does not exist. Installing it now.\n", i.name); err != nil {
			return err
		}
	}
	return printRelease(out, i.format, status{release: i.release, failed: i.failed, debug: i.helm.Settings.Debug(), hideNotes: i.client.HideNotes, run: run})
}

// appliedObjects returns the objects of a revision; nothing if it is nil.
func appliedObjects(rel *helmrelease.Release) ([]*unstructured.Unstructured, error) {
	if rel == nil {
		return nil, nil
	}
	return objects(rel.Manifest, rel.Namespace)
}

// revision returns the number of a revision; 0 if it is nil.
func revision(rel *helmrelease.Release) int {
	if rel == nil {
		return 0
	}
	return rel.Version
}
