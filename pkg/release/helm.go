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

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Helm is what Helm's commands share: the cluster, the release storage and where to write.
type Helm struct {
	Settings *Settings
	// Out is where Helm's results go, ErrOut where its warnings, debug lines and hook logs go.
	Out, ErrOut io.Writer

	config    *action.Configuration
	client    *client
	namespace string
	mode      HookMode
	hooks     HookRunner
	cluster   Cluster
	readiness kube.Readiness
}

// NewHelm returns Helm without a cluster; Connect gives it one.
func NewHelm(settings *Settings, out, errOut io.Writer) *Helm {
	return &Helm{Settings: settings, Out: out, ErrOut: errOut, config: new(action.Configuration)}
}

// ownFields has what is applied belong to the field manager that helm itself would be, or a later helm upgrade
// fights with ours. It is a variable of Helm's package.
var ownFields = sync.OnceFunc(func() { helmkube.ManagedFieldsManager = "helm" })

// Waits says what waits for objects, and how. It is called before Connect; a Helm that only reads needs none.
func (h *Helm) Waits(cluster Cluster, how kube.Readiness) { h.cluster, h.readiness = cluster, how }

// Readiness is how objects are waited for.
func (h *Helm) Readiness() kube.Readiness { return h.readiness }

// Connect makes Helm work in the namespace of the cluster that getter chooses, with the release
// storage of HELM_DRIVER. It asks the cluster nothing. Cancelling ctx ends whatever Helm waits
// for, so that it writes the status of the release and returns.
func (h *Helm) Connect(ctx context.Context, getter genericclioptions.RESTClientGetter, namespace string) error {
	ownFields()
	if err := h.config.Init(getter, namespace, os.Getenv("HELM_DRIVER"), h.debug); err != nil {
		return err
	}
	helm, ok := h.config.KubeClient.(*helmkube.Client)
	if !ok {
		return fmt.Errorf("helm's cluster client is a %T, which this version does not know", h.config.KubeClient)
	}
	h.client = &client{
		Client: helm, getter: getter, home: namespace, ctx: ctx, cluster: h.cluster, readiness: h.readiness, hooks: h.hooks, applied: make(chan struct{}),
	}
	helm.Factory = &factory{helm.Factory, &h.client.server}
	h.config.KubeClient = h.client
	h.config.Releases.Driver = &recorder{sound{h.config.Releases.Driver, namespace}, h.client}
	// What hooks print is shown while they run.
	h.config.SetHookOutputFunc(func(_, _, _ string) io.Writer { return io.Discard })
	h.namespace = namespace
	return nil
}

// Namespace is the namespace of the releases.
func (h *Helm) Namespace() string { return h.namespace }

// Stored returns the objects of the newest revision of a release, as they were applied.
// A release that does not exist is an error that says so.
func (h *Helm) Stored(name string) ([]*unstructured.Unstructured, error) {
	rel, err := h.last(name)
	if err != nil {
		return nil, err
	}
	return objects(rel.Manifest, rel.Namespace)
}

// last returns the newest revision of a release.
func (h *Helm) last(name string) (*helmrelease.Release, error) {
	rel, err := h.config.Releases.Last(name)
	if err != nil {
		return nil, fmt.Errorf("release %q in namespace %q: %w", name, h.namespace, err)
	}
	return rel, nil
}

// Names returns the names of the deployed releases of the namespace.
func (h *Helm) Names() ([]string, error) {
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

// exists returns the newest revision of the release, or nil when there is none. The storage returns a history in
// the order of its keys, in which v10 comes before v9; its Last is by the revisions' numbers.
func (h *Helm) exists(name string) (*helmrelease.Release, error) {
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return nil, fmt.Errorf("release name %q: %w", name, err)
	}
	rel, err := h.config.Releases.Last(name)
	if isNotFound(err) {
		return nil, nil
	}
	return rel, err
}

// current returns the revision that an upgrade of the release is made from, as Helm's
// action.Upgrade.prepareUpgrade does: the newest when it is deployed, else the one that is. When none is, it is
// the newest again if that has failed, else the error is Helm's.
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
