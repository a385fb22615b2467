package kube

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/tools/clientcmd"
)

const userKubeconfig = `apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: c1, cluster: {server: "https://one:6443", certificate-authority: ca.crt, extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: me}}]}}
- {name: c2, cluster: {server: "https://two:6443", proxy-url: "http://proxy:3128"}}
users:
- name: u1
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, interactiveMode: Never, provideClusterInfo: true, args: [get-token]}
- {name: u2, user: {token: secret}}
contexts:
- {name: one, context: {cluster: c1, user: u1, namespace: ns1}}
- {name: two, context: {cluster: c2, user: u2}}
`

// TestWriteKubeconfig: exactly the run's context, with its namespace, overrides and credential
// plugin, readable only for the user.
func TestWriteKubeconfig(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	path := filepath.Join(dir, "config")
	t.Chdir(dir)
	for name, text := range map[string]string{"config": userKubeconfig, "ca.crt": "ca", "here.crt": "here"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write := func(change func(*genericclioptions.ConfigFlags)) (string, string, func()) {
		t.Helper()
		flags := genericclioptions.NewConfigFlags(true)
		flags.KubeConfig = &path
		change(flags)
		written, context, remove, err := NewClient(flags).WriteKubeconfig("shop")
		if err != nil {
			t.Fatal(err)
		}
		return written, context, remove
	}

	written, context, remove := write(func(f *genericclioptions.ConfigFlags) { *f.Impersonate = "me" })
	info, err := os.Stat(written)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	got, err := clientcmd.LoadFromFile(written)
	if err != nil {
		t.Fatal(err)
	}
	if context != "one" || got.CurrentContext != "one" || len(got.Contexts) != 1 || len(got.Clusters) != 1 || len(got.AuthInfos) != 1 {
		t.Errorf("context %q of %v", context, got)
	}
	if ns := got.Contexts["one"].Namespace; ns != "shop" {
		t.Errorf("namespace %q", ns)
	}
	user := got.AuthInfos["one"]
	if user.Impersonate != "me" {
		t.Errorf("impersonates %q", user.Impersonate)
	}
	// Relative paths of a kubeconfig are relative to it.
	if want := filepath.Join(dir, "login"); user.Exec == nil || user.Exec.Command != want || user.Exec.Args[0] != "get-token" {
		t.Errorf("credential plugin %+v, want %s", user.Exec, want)
	}
	if want := filepath.Join(dir, "ca.crt"); got.Clusters["one"].CertificateAuthority != want {
		t.Errorf("authority %q, want %s", got.Clusters["one"].CertificateAuthority, want)
	}
	if plugin := got.Clusters["one"].Extensions[pluginExtension]; plugin == nil {
		t.Error("the plugin's configuration is missing")
	}
	remove()
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}

	written, context, remove = write(func(f *genericclioptions.ConfigFlags) {
		*f.Context, *f.APIServer, *f.CAFile = "two", "https://elsewhere", "here.crt"
	})
	defer remove()
	if got, err = clientcmd.LoadFromFile(written); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("here.crt")
	if err != nil {
		t.Fatal(err)
	}
	if cluster := got.Clusters["two"]; cluster.CertificateAuthority != here || cluster.ProxyURL != "http://proxy:3128" {
		t.Errorf("authority %q, proxy %q", cluster.CertificateAuthority, cluster.ProxyURL)
	}
	if context != "two" || got.Clusters["two"].Server != "https://elsewhere" || got.AuthInfos["two"].Token != "secret" {
		t.Errorf("context %q: %+v %+v", context, got.Clusters["two"], got.AuthInfos["two"])
	}
}
