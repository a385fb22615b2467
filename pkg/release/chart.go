package release

import (
	"errors"
	"fmt"
	"net/http"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/downloader"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/registry"
)

// chartSource finds and loads the chart that a user has named, and the values for it.
type chartSource struct {
	helm    *Helm
	options *action.ChartPathOptions
	values  values.Options
	// path is the path of the chart's directory or archive; set by locate.
	path string
	// located is the chart as locate found it. A task may change it before load reads it again.
	located *chart.Chart
	// merged are the user's values. They are set by locate, so that a values file on standard input is read once.
	merged map[string]any
	// updateDependencies is --dependency-update.
	updateDependencies bool
	registry           *registry.Client
}

// locate finds the chart, downloads it if it is not local, and reads the values. Dependencies may be missing: a
// task may fetch them before load checks them.
func (c *chartSource) locate(ref string) error {
	var err error
	if c.registry, err = c.registryClient(); err != nil {
		return fmt.Errorf("missing registry client: %w", err)
	}
	if c.path, err = c.options.LocateChart(ref, c.helm.Settings.env); err != nil {
		return err
	}
	c.helm.debug("CHART PATH: %s", c.path)
	if c.merged, err = c.values.MergeValues(getter.All(c.helm.Settings.env)); err != nil {
		return err
	}
	if c.located, err = loader.Load(c.path); err != nil {
		return err
	}
	return checkInstallable(c.located)
}

// load reads the located chart with its dependencies, as it is now. With --dependency-update it updates missing ones.
func (c *chartSource) load() (*chart.Chart, error) {
	loaded, err := loader.Load(c.path)
	if err != nil {
		return nil, err
	}
	if err := checkInstallable(loaded); err != nil {
		return nil, err
	}
	if loaded.Metadata.Deprecated {
		c.helm.warning("This chart is deprecated")
	}
	required := loaded.Metadata.Dependencies
	if required == nil {
		return loaded, nil
	}
	missing := action.CheckDependencies(loaded, required)
	if missing == nil {
		return loaded, nil
	}
	if !c.updateDependencies {
		return nil, fmt.Errorf("chart %s lacks dependencies (run 'helm dependency build %s', or use --dependency-update): %w", c.path, c.path, missing)
	}
	manager := &downloader.Manager{
		Out:              c.helm.Out,
		ChartPath:        c.path,
		Keyring:          c.options.Keyring,
		Getters:          getter.All(c.helm.Settings.env),
		RepositoryConfig: c.helm.Settings.env.RepositoryConfig,
		RepositoryCache:  c.helm.Settings.env.RepositoryCache,
		Debug:            c.helm.Settings.Debug(),
		RegistryClient:   c.registry,
	}
	if err := manager.Update(); err != nil {
		return nil, err
	}
	return loader.Load(c.path)
}

// checkInstallable returns an error for a library chart.
func checkInstallable(ch *chart.Chart) error {
	switch ch.Metadata.Type {
	case "", "application":
		return nil
	}
	return fmt.Errorf("%s charts are not installable", ch.Metadata.Type)
}

// registryClient returns a client for oci:// charts with the credentials of helm registry login.
func (c *chartSource) registryClient() (*registry.Client, error) {
	o := c.options
	options := []registry.ClientOption{
		registry.ClientOptDebug(c.helm.Settings.Debug()),
		registry.ClientOptEnableCache(true),
		registry.ClientOptWriter(c.helm.ErrOut),
		registry.ClientOptCredentialsFile(c.helm.Settings.env.RegistryConfig),
		registry.ClientOptBasicAuth(o.Username, o.Password),
	}
	switch {
	case o.CertFile != "" && o.KeyFile != "" || o.CaFile != "" || o.InsecureSkipTLSverify:
		tlsConfig, err := clientTLS(o.CertFile, o.KeyFile, o.CaFile, o.InsecureSkipTLSverify)
		if err != nil {
			return nil, err
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = tlsConfig
		options = append(options, registry.ClientOptHTTPClient(&http.Client{Transport: transport}))
	case o.PlainHTTP:
		options = append(options, registry.ClientOptPlainHTTP())
	}
	return registry.NewClient(options...)
}

// errDryRun has Helm's own text for an invalid value of --dry-run.
var errDryRun = errors.New("Invalid dry-run flag. Flag must one of the following: false, true, none, client, server") //nolint:staticcheck // Helm's text.

// parseDryRun returns the value of --dry-run for Helm's actions, and whether it is a dry run. As in Helm, an empty
// value is none.
func parseDryRun(value string) (string, bool, error) {
	switch value {
	case "":
		return "none", false, nil
	case "none", "false":
		return value, false, nil
	case "client", "server", "true":
		return value, true, nil
	}
	return "", false, errDryRun
}
