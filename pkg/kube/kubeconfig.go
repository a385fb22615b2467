package kube

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// inClusterContext is the name of the context when the connection comes from no kubeconfig.
const inClusterContext = "in-cluster"

// pluginExtension is the extension of a cluster that is passed to credential plugins
// (k8s.io/client-go/tools/clientcmd/client_config.go).
const pluginExtension = "client.authentication.k8s.io/exec"

// Kubeconfig returns a kubeconfig with exactly one context: the connection of the run, including overrides of the
// command line, in the given namespace. References to files and the exec credential plugin stay references, so that
// tokens are refreshed; their paths are absolute. The second result is the name of the context, which is the user's
// own.
func (c *Client) Kubeconfig(namespace string) ([]byte, string, error) {
	config, err := c.RESTConfig()
	if err != nil {
		return nil, "", err
	}
	name, err := c.ContextName()
	if err != nil {
		return nil, "", err
	}
	cluster, err := clusterOf(config)
	if err != nil {
		return nil, "", err
	}
	user, err := userOf(config)
	if err != nil {
		return nil, "", err
	}
	context := clientcmdapi.NewContext()
	context.Cluster, context.AuthInfo, context.Namespace = name, name, namespace

	result := clientcmdapi.NewConfig()
	result.Clusters[name] = cluster
	result.AuthInfos[name] = user
	result.Contexts[name] = context
	result.CurrentContext = name
	text, err := clientcmd.Write(*result)
	if err != nil {
		return nil, "", fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return text, name, nil
}

// ContextName returns the name of the run's context in the user's kubeconfig. The error is that of the kubeconfig.
func (c *Client) ContextName() (string, error) {
	merged, err := c.flags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	flag := ""
	if c.flags.Context != nil {
		flag = *c.flags.Context
	}
	return cmp.Or(flag, merged.CurrentContext, inClusterContext), nil
}

// clusterOf returns the cluster of a connection, as a kubeconfig has it.
func clusterOf(config *rest.Config) (*clientcmdapi.Cluster, error) {
	cluster := clientcmdapi.NewCluster()
	cluster.Server = config.Host
	cluster.CertificateAuthorityData = config.CAData
	cluster.InsecureSkipTLSVerify = config.Insecure
	cluster.TLSServerName = config.ServerName
	cluster.DisableCompression = config.DisableCompression
	if plugin := config.ExecProvider; plugin != nil && plugin.ProvideClusterInfo && plugin.Config != nil {
		cluster.Extensions[pluginExtension] = plugin.Config
	}
	if config.Proxy != nil {
		request, err := http.NewRequest(http.MethodGet, config.Host, http.NoBody)
		if err != nil {
			return nil, fmt.Errorf("the server's address: %w", err)
		}
		if proxy, err := config.Proxy(request); err == nil && proxy != nil {
			cluster.ProxyURL = proxy.String()
		}
	}
	return cluster, absolute(&cluster.CertificateAuthority, config.CAFile)
}

// userOf returns the user of a connection, as a kubeconfig has it.
func userOf(config *rest.Config) (*clientcmdapi.AuthInfo, error) {
	user := clientcmdapi.NewAuthInfo()
	user.ClientCertificateData, user.ClientKeyData = config.CertData, config.KeyData
	user.Username, user.Password = config.Username, config.Password
	user.Exec, user.AuthProvider = config.ExecProvider, config.AuthProvider
	user.Impersonate, user.ImpersonateUID = config.Impersonate.UserName, config.Impersonate.UID
	user.ImpersonateGroups, user.ImpersonateUserExtra = config.Impersonate.Groups, config.Impersonate.Extra
	// The file is rotated, and the token that was read from it expires.
	if config.BearerTokenFile == "" {
		user.Token = config.BearerToken
	}
	for target, path := range map[*string]string{
		&user.TokenFile: config.BearerTokenFile, &user.ClientCertificate: config.CertFile, &user.ClientKey: config.KeyFile,
	} {
		if err := absolute(target, path); err != nil {
			return nil, err
		}
	}
	return user, nil
}

// absolute sets target to the absolute form of a path. A path in a flag is relative to the working directory; in a
// kubeconfig it would be relative to that file.
func absolute(target *string, path string) (err error) {
	if path != "" {
		*target, err = filepath.Abs(path)
	}
	return err
}

// WriteKubeconfig writes Kubeconfig to a new file that only the user may read, and returns its path, the name of the
// context, and a function that removes the file.
func (c *Client) WriteKubeconfig(namespace string) (path, context string, remove func(), err error) {
	text, context, err := c.Kubeconfig(namespace)
	if err != nil {
		return "", "", nil, err
	}
	dir, err := os.MkdirTemp("", "kubectl-tasks-")
	if err != nil {
		return "", "", nil, fmt.Errorf("creating a directory for the tasks' kubeconfig: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	path = filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		remove()
		return "", "", nil, fmt.Errorf("writing the tasks' kubeconfig: %w", err)
	}
	return path, context, remove, nil
}
