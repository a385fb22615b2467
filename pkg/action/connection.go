package action

import (
	"context"
	"io"
	"sync"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

// Connection is the cluster and the namespace that kubectl's and Helm's flags choose.
type Connection struct {
	Flags    *genericclioptions.ConfigFlags
	Settings *release.Settings

	client func() *kube.Client
}

// NewConnection returns the connection that flags and settings choose when it is first used. It sets the limits and
// retries of the settings for the requests of the flags.
func NewConnection(flags *genericclioptions.ConfigFlags, settings *release.Settings) *Connection {
	flags.WrapConfigFn = settings.WrapConfig
	return &Connection{Flags: flags, Settings: settings, client: sync.OnceValue(func() *kube.Client { return kube.NewClient(flags) })}
}

// Namespace returns the namespace that the flags and the context choose. The error is a UsageError.
func (c *Connection) Namespace() (string, error) {
	namespace, _, err := c.Flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", UsageError{err}
	}
	return namespace, nil
}

// Client returns the client of the connection, always the same one.
func (c *Connection) Client() *kube.Client { return c.client() }

// Helm returns Helm's part of the connection, which writes Helm's own messages to out and errOut.
func (c *Connection) Helm(ctx context.Context, namespace string, out, errOut io.Writer) (*release.Helm, error) {
	helm := release.NewHelm(c.Settings, out, errOut)
	return helm, helm.Connect(ctx, c.Flags, namespace)
}

// storedValues returns a function that reads the values of a release from the cluster.
func (c *Connection) storedValues(ctx context.Context, name, namespace string) func() (map[string]any, error) {
	return func() (map[string]any, error) {
		helm, err := c.Helm(ctx, namespace, io.Discard, io.Discard)
		if err != nil {
			return nil, err
		}
		return helm.StoredValues(name)
	}
}

// lastRevision returns the number of a release's newest revision, and when the release was first deployed.
func (c *Connection) lastRevision(ctx context.Context, name, namespace string) (int, string, error) {
	helm, err := c.Helm(ctx, namespace, io.Discard, io.Discard)
	if err != nil {
		return 0, "", err
	}
	return helm.LastRevision(name)
}

// storedFiles returns a function that reads the files of a release's chart from the cluster.
func (c *Connection) storedFiles(ctx context.Context, name, namespace string) func() ([]release.File, error) {
	return func() ([]release.File, error) {
		helm, err := c.Helm(ctx, namespace, io.Discard, io.Discard)
		if err != nil {
			return nil, err
		}
		files, err := helm.StoredFiles(name)
		if err != nil {
			return nil, &release.PreflightError{Err: err}
		}
		return files, nil
	}
}

// Releases returns the names of the deployed releases of the namespace.
func (c *Connection) Releases(ctx context.Context) ([]string, error) {
	namespace, err := c.Namespace()
	if err != nil {
		return nil, err
	}
	helm, err := c.Helm(ctx, namespace, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	return helm.DeployedNames()
}
