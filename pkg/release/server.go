package release

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/kubectl/pkg/validation"
)

// serverSideValidation is the version of Kubernetes since which server-side field validation cannot be disabled
// (kubernetes.io, ServerSideFieldValidation).
var serverSideValidation = utilversion.MajorMinor(1, 27)

// server caches the version of the API server; nil before the first request.
type server struct{ version *utilversion.Version }

// IsReachable implements kube.Interface. It requests the version of the server, once.
func (c *client) IsReachable() error {
	if c.server.version != nil {
		return nil
	}
	set, err := c.Factory.KubernetesClientSet()
	switch {
	case errors.Is(err, genericclioptions.ErrEmptyConfig):
		return errors.New("Kubernetes cluster unreachable") //nolint:staticcheck // Helm's words
	case err != nil:
		return fmt.Errorf("Kubernetes cluster unreachable: %w", err) //nolint:staticcheck // Helm's words
	}
	info, err := set.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("Kubernetes cluster unreachable: %w", err) //nolint:staticcheck // Helm's words
	}
	if c.server.version, err = utilversion.ParseGeneric(info.GitVersion); err != nil {
		c.server.version = utilversion.MajorMinor(1, 0) // an unknown version
	}
	return nil
}

// Build implements kube.Interface. If a kind is unknown, it repeats discovery and tries again: a task or a hook may
// have created the kind in the meantime.
func (c *client) Build(reader io.Reader, validate bool) (helmkube.ResourceList, error) {
	manifest, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	resources, err := c.Client.Build(bytes.NewReader(manifest), validate)
	if !meta.IsNoMatchError(err) {
		return resources, err
	}
	mapper, failed := c.getter.ToRESTMapper()
	if failed != nil {
		return resources, err
	}
	meta.MaybeResetRESTMapper(mapper)
	return c.Client.Build(bytes.NewReader(manifest), validate)
}

// resetCapabilities makes Helm request the server's capabilities again for the next rendering: tasks may have changed
// them since the plan was made.
func (h *Helm) resetCapabilities() { h.config.Capabilities = nil }

// factory is Helm's factory, except that its Validator does not read the server's OpenAPI documents if the version of the
// server shows that it validates fields itself. kubectl's validator does nothing in that case either (k8s.io/kubectl,
// pkg/validation, ParamVerifyingSchema), but reads megabytes first.
type factory struct {
	helmkube.Factory
	server *server
}

// Validator implements kube.Factory.
func (f *factory) Validator(directive string) (validation.Schema, error) {
	if directive == metav1.FieldValidationStrict && f.server.version != nil && f.server.version.AtLeast(serverSideValidation) {
		return validation.NullSchema{}, nil
	}
	return f.Factory.Validator(directive)
}
