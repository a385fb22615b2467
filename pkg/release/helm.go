package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
)

// Helm is the configuration that Helm's commands share: the cluster, the release storage and the output.
type Helm struct {
	Settings *Settings
	// Out takes the output of dependency updates, ErrOut takes warnings, notes and debug lines.
	Out, ErrOut io.Writer

	config    *action.Configuration
	client    *client
	namespace string
	mode      HookMode
	hooks     HookRunner
	cluster   Cluster
	readiness ready.Options
}

// NewHelm returns Helm without a connection; see Connect.
func NewHelm(settings *Settings, out, errOut io.Writer) *Helm {
	return &Helm{Settings: settings, Out: out, ErrOut: errOut, config: new(action.Configuration)}
}

// setFieldManager makes Helm apply objects with the field manager that the helm command has, so that a later helm
// upgrade has no conflicts. It is a variable of Helm's package.
var setFieldManager = sync.OnceFunc(func() { helmkube.ManagedFieldsManager = "helm" })

// SetCluster sets what waits for objects, and how. It must be called before Connect, unless releases are only read.
func (h *Helm) SetCluster(cluster Cluster, how ready.Options) { h.cluster, h.readiness = cluster, how }

// Readiness returns how objects are waited for.
func (h *Helm) Readiness() ready.Options { return h.readiness }

// Connect sets the cluster, through getter, the namespace, and the release storage of $HELM_DRIVER. It makes no request.
// Cancelling ctx ends the waits of Helm's actions, so that they write the status of the release and return.
func (h *Helm) Connect(ctx context.Context, getter genericclioptions.RESTClientGetter, namespace string) error {
	setFieldManager()
	if err := h.config.Init(getter, namespace, os.Getenv("HELM_DRIVER"), h.debug); err != nil {
		return err
	}
	helm, ok := h.config.KubeClient.(*helmkube.Client)
	if !ok {
		return fmt.Errorf("helm's cluster client is a %T, which this version does not support", h.config.KubeClient)
	}
	h.client = &client{
		Client: helm, getter: getter, releaseNamespace: namespace, ctx: ctx, cluster: h.cluster, readiness: h.readiness, hooks: h.hooks, applied: make(chan struct{}),
	}
	helm.Factory = &factory{helm.Factory, &h.client.server}
	h.config.KubeClient = h.client
	h.config.Releases.Driver = &trackingDriver{validatingDriver{h.config.Releases.Driver, namespace}, h.client}
	// The logs of hooks are shown while they run.
	h.config.SetHookOutputFunc(func(_, _, _ string) io.Writer { return io.Discard })
	h.namespace = namespace
	return nil
}

// Namespace returns the namespace of the releases.
func (h *Helm) Namespace() string { return h.namespace }

// StoredObjects returns the objects of the newest revision of a release, as they were applied. It is an error if the
// release does not exist.
func (h *Helm) StoredObjects(name string) ([]*unstructured.Unstructured, error) {
	rel, err := h.last(name)
	if err != nil {
		return nil, err
	}
	return objects(rel.Manifest, rel.Namespace)
}

// last returns the newest revision of a release. It is an error if the release does not exist.
func (h *Helm) last(name string) (*helmrelease.Release, error) {
	rel, err := h.config.Releases.Last(name)
	if err != nil {
		return nil, fmt.Errorf("release %q in namespace %q: %w", name, h.namespace, err)
	}
	return rel, nil
}

// DeployedNames returns the names of the deployed releases of the namespace.
func (h *Helm) DeployedNames() ([]string, error) {
	releases, err := h.config.Releases.ListDeployed()
	if err != nil {
		return nil, fmt.Errorf("listing the releases of namespace %q: %w", h.namespace, err)
	}
	names := make([]string, 0, len(releases))
	for _, r := range releases {
		names = append(names, r.Name)
	}
	return names, nil
}

func (h *Helm) debug(format string, args ...any) {
	if h.Settings.Debug() {
		fmt.Fprintf(h.ErrOut, "%s [debug] %s\n", time.Now().Format(time.RFC3339Nano), fmt.Sprintf(format, args...))
	}
}

func (h *Helm) warning(text string) { fmt.Fprintf(h.ErrOut, "WARNING: %s\n", text) }

// find returns the newest revision of a release; nil if the release does not exist. A history from the storage is
// in the order of its keys, with v10 before v9, but its Last compares the numbers of the revisions.
func (h *Helm) find(name string) (*helmrelease.Release, error) {
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return nil, fmt.Errorf("release name %q: %w", name, err)
	}
	rel, err := h.config.Releases.Last(name)
	if isNotFound(err) {
		return nil, nil
	}
	return rel, err
}

// current returns the revision that an upgrade starts from, as in Helm's action.Upgrade.prepareUpgrade: the deployed
// one; if none is deployed, the newest, provided that it is failed or superseded. Otherwise the error is Helm's.
func (h *Helm) current(last *helmrelease.Release) (*helmrelease.Release, error) {
	if last.Info.Status == helmrelease.StatusDeployed {
		return last, nil
	}
	rel, err := h.config.Releases.Deployed(last.Name)
	if errors.Is(err, driver.ErrNoDeployedReleases) && (last.Info.Status == helmrelease.StatusFailed || last.Info.Status == helmrelease.StatusSuperseded) {
		return last, nil
	}
	return rel, err
}

// LastRevision returns the number of a release's newest revision, and when the release was first deployed, as
// Change.FirstDeployed does.
func (h *Helm) LastRevision(name string) (int, string, error) {
	rel, err := h.last(name)
	return revision(rel), firstDeployed(rel), err
}

// firstDeployed returns when the release was first deployed; all its revisions have the same time.
func firstDeployed(rel *helmrelease.Release) string {
	if rel == nil || rel.Info == nil || rel.Info.FirstDeployed.IsZero() {
		return ""
	}
	return rel.Info.FirstDeployed.UTC().Format(time.RFC3339Nano)
}

// changed reports whether the newest revision of a release differs from before; nil means that there was none.
func (h *Helm) changed(name string, before *helmrelease.Release) (bool, error) {
	now, err := h.find(name)
	if err != nil {
		return false, err
	}
	if now == nil || before == nil {
		return now != before, nil
	}
	return now.Version != before.Version || now.Info.Status != before.Info.Status || !now.Info.LastDeployed.Equal(before.Info.LastDeployed), nil
}
