package release

import (
	"errors"
	"fmt"

	helmkube "helm.sh/helm/v3/pkg/kube"
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
