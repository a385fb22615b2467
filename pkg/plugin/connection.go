package plugin

import (
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

// connection is the cluster that kubectl's and Helm's flags choose.
type connection struct {
	*genericclioptions.ConfigFlags
	// cluster is the connection as actions use it.
	cluster  *action.Connection
	settings *release.Settings
}

func newConnection() *connection {
	c := &connection{
		ConfigFlags: genericclioptions.NewConfigFlags(true),
		settings:    release.NewSettings(),
	}
	c.cluster = action.NewConnection(c.ConfigFlags, c.settings)
	c.fromHelm(os.Getenv)
	return c
}

// fromHelm reads the connection from the variables from which helm reads it, and in which helm passes its global flags
// to plugins. They apply to a plugin of kubectl too, like HELM_DRIVER, so that both find the same release. Flags take
// precedence.
func (c *connection) fromHelm(getenv func(string) string) {
	for name, value := range map[string]*string{
		"HELM_NAMESPACE":           c.Namespace,
		"HELM_KUBECONTEXT":         c.Context,
		"HELM_KUBETOKEN":           c.BearerToken,
		"HELM_KUBEASUSER":          c.Impersonate,
		"HELM_KUBEAPISERVER":       c.APIServer,
		"HELM_KUBECAFILE":          c.CAFile,
		"HELM_KUBETLS_SERVER_NAME": c.TLSServerName,
	} {
		if v := getenv(name); v != "" {
			*value = v
		}
	}
	if groups := strings.Trim(getenv("HELM_KUBEASGROUPS"), ", "); groups != "" {
		*c.ImpersonateGroup = strings.Split(groups, ",")
	}
	*c.Insecure, _ = strconv.ParseBool(getenv("HELM_KUBEINSECURE_SKIP_TLS_VERIFY"))
}

// addFlags adds kubectl's connection flags.
func (c *connection) addFlags(cmd *cobra.Command) { c.AddFlags(cmd.Flags()) }

// addHelmFlags adds kubectl's connection flags, Helm's names for them, and the other global flags of Helm. A flag that
// the command already has keeps its meaning: --insecure-skip-tls-verify of Helm's commands is for the download of the
// chart.
func (c *connection) addHelmFlags(cmd *cobra.Command) {
	kubectl := pflag.NewFlagSet("kubectl", pflag.ContinueOnError)
	c.AddFlags(kubectl)
	kubectl.VisitAll(func(f *pflag.Flag) {
		if cmd.Flags().Lookup(f.Name) == nil {
			cmd.Flags().AddFlag(f)
		}
	})
	fs := cmd.Flags()
	fs.StringVar(c.Context, "kube-context", *c.Context, "Helm's name for --context")
	fs.StringVar(c.BearerToken, "kube-token", *c.BearerToken, "Helm's name for --token")
	fs.StringVar(c.Impersonate, "kube-as-user", *c.Impersonate, "Helm's name for --as")
	fs.StringArrayVar(c.ImpersonateGroup, "kube-as-group", *c.ImpersonateGroup, "Helm's name for --as-group")
	fs.StringVar(c.APIServer, "kube-apiserver", *c.APIServer, "Helm's name for --server")
	fs.StringVar(c.CAFile, "kube-ca-file", *c.CAFile, "Helm's name for --certificate-authority")
	fs.StringVar(c.TLSServerName, "kube-tls-server-name", *c.TLSServerName, "Helm's name for --tls-server-name")
	fs.BoolVar(c.Insecure, "kube-insecure-skip-tls-verify", *c.Insecure, "do not check the certificate of the Kubernetes API server")
	c.settings.AddFlags(fs)
}
