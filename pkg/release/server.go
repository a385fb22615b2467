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

// validates is the version of Kubernetes since which the API server validates fields itself, always
// (kubernetes.io, ServerSideFieldValidation).
var validates = utilversion.MajorMinor(1, 27)

// server is what is known of the API server; it is asked once.
type server struct{ version *utilversion.Version }

// IsReachable implements kube.Interface. It asks the server for its version, once.
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
		c.server.version = utilversion.MajorMinor(1, 0) // of which nothing is taken for granted
	}
	return nil
}

// Build implements kube.Interface. A kind that the server is not known to have may have come since it was asked for
// its kinds, by a task or a hook: it is asked again then.
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

// renew has Helm ask the server anew for what it can do, before it renders what is applied: tasks may have changed
// that since the plan was made.
func (h *Helm) renew() { h.config.Capabilities = nil }

// factory is Helm's, but that it does not have the server's OpenAPI documents read to find out what its version
// says: that it validates fields itself. kubectl's validator does nothing in that case either (k8s.io/kubectl,
// pkg/validation, ParamVerifyingSchema), but reads megabytes to know.
type factory struct {
	helmkube.Factory
	server *server
}

// Validator implements kube.Factory.
func (f *factory) Validator(directive string) (validation.Schema, error) {
	if directive == metav1.FieldValidationStrict && f.server.version != nil && f.server.version.AtLeast(validates) {
		return validation.NullSchema{}, nil
	}
	return f.Factory.Validator(directive)
}
