package kube

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// inClusterContext names the context of a kubeconfig that was made from a service account.
const inClusterContext = "in-cluster"

// Kubeconfig returns a kubeconfig with exactly one context: the one that the run itself uses,
// overrides of the command line included, in the given namespace. References to files, and the
// exec credential plugin, stay references, so that tokens are still refreshed; their paths are
// absolute. The second result is the context's name.
func (c *Client) Kubeconfig(namespace string) ([]byte, string, error) {
	merged, err := c.getter.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	if overriding, ok := c.getter.ToRawKubeConfigLoader().(clientcmd.OverridingClientConfig); ok {
		if merged, err = overriding.MergedRawConfig(); err != nil {
			return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
		}
	}
	if _, ok := merged.Contexts[merged.CurrentContext]; !ok {
		config, err := c.RESTConfig()
		if err != nil {
			return nil, "", err
		}
		merged = fromREST(config)
	}
	if err := clientcmdapi.MinifyConfig(&merged); err != nil {
		return nil, "", fmt.Errorf("context %q of the kubeconfig: %w", merged.CurrentContext, err)
	}
	if config, err := c.RESTConfig(); err == nil {
		impersonate(&merged, config.Impersonate)
	}
	merged.Contexts[merged.CurrentContext].Namespace = namespace
	text, err := clientcmd.Write(merged)
	if err != nil {
		return nil, "", fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return text, merged.CurrentContext, nil
}

// WriteKubeconfig writes Kubeconfig to a new file that only the user may read, and returns its
// path, the context's name and a function that removes the file.
func (c *Client) WriteKubeconfig(namespace string) (path, context string, remove func(), err error) {
	text, context, err := c.Kubeconfig(namespace)
	if err != nil {
		return "", "", nil, err
	}
	dir, err := os.MkdirTemp("", "kubectl-tasks-")
	if err != nil {
		return "", "", nil, fmt.Errorf("a place for the tasks' kubeconfig: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	path = filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		remove()
		return "", "", nil, fmt.Errorf("writing the tasks' kubeconfig: %w", err)
	}
	return path, context, remove, nil
}

// fromREST describes a connection that came from no kubeconfig: a service account in a pod, or
// flags alone.
func fromREST(config *rest.Config) clientcmdapi.Config {
	cluster, user := clientcmdapi.NewCluster(), clientcmdapi.NewAuthInfo()
	cluster.Server = config.Host
	cluster.CertificateAuthority = config.CAFile
	cluster.CertificateAuthorityData = config.CAData
	cluster.InsecureSkipTLSVerify = config.Insecure
	cluster.TLSServerName = config.ServerName
	user.ClientCertificate = config.CertFile
	user.ClientCertificateData = config.CertData
	user.ClientKey = config.KeyFile
	user.ClientKeyData = config.KeyData
	user.Username, user.Password = config.Username, config.Password
	// The file is rotated; the token that was read from it ends with it.
	if user.TokenFile = config.BearerTokenFile; user.TokenFile == "" {
		user.Token = config.BearerToken
	}
	context := clientcmdapi.NewContext()
	context.Cluster, context.AuthInfo = inClusterContext, inClusterContext

	result := clientcmdapi.NewConfig()
	result.Clusters[inClusterContext] = cluster
	result.AuthInfos[inClusterContext] = user
	result.Contexts[inClusterContext] = context
	result.CurrentContext = inClusterContext
	return *result
}

// impersonate carries --as and its relatives over.
func impersonate(config *clientcmdapi.Config, as rest.ImpersonationConfig) {
	user := config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo]
	if user == nil || as.UserName == "" {
		return
	}
	user.Impersonate, user.ImpersonateUID = as.UserName, as.UID
	user.ImpersonateGroups, user.ImpersonateUserExtra = as.Groups, as.Extra
}
