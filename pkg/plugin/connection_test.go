package plugin

import (
	"testing"

	"github.com/spf13/pflag"
)

// TestFromHelm: Helm keeps its global flags to itself and tells plugins in the environment.
func TestFromHelm(t *testing.T) {
	env := map[string]string{
		"HELM_NAMESPACE": "shop", "HELM_KUBECONTEXT": "ctx", "HELM_KUBETOKEN": "token", "HELM_KUBEASUSER": "me",
		"HELM_KUBEASGROUPS": "a,b", "HELM_KUBEAPISERVER": "https://x", "HELM_KUBECAFILE": "ca",
		"HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "true", "HELM_KUBETLS_SERVER_NAME": "tls",
	}
	c := newConnection()
	c.fromHelm(func(name string) string { return env[name] })
	for name, got := range map[string]string{
		"shop": *c.Namespace, "ctx": *c.Context, "token": *c.BearerToken, "me": *c.Impersonate,
		"https://x": *c.APIServer, "ca": *c.CAFile, "tls": *c.TLSServerName,
	} {
		if got != name {
			t.Errorf("%q, want %q", got, name)
		}
	}
	if groups := *c.ImpersonateGroup; len(groups) != 2 || groups[0] != "a" || groups[1] != "b" {
		t.Errorf("groups %v", groups)
	}
	if !*c.Insecure {
		t.Error("not insecure")
	}

	// What Helm does not set stays as kubectl has it.
	c = newConnection()
	c.fromHelm(func(string) string { return "" })
	if *c.Namespace != "" || len(*c.ImpersonateGroup) > 0 || *c.Insecure {
		t.Errorf("%q %v %v", *c.Namespace, *c.ImpersonateGroup, *c.Insecure)
	}
}

// TestHelmsEnvironment: Helm's variables count however the program is called, and flags win.
func TestHelmsEnvironment(t *testing.T) {
	for _, plugin := range []string{"", "tasks"} {
		t.Setenv("HELM_PLUGIN_NAME", plugin)
		t.Setenv("HELM_NAMESPACE", "shop")
		t.Setenv("HELM_KUBECONTEXT", "production")
		c := newConnection()
		if *c.Namespace != "shop" || *c.Context != "production" {
			t.Errorf("as plugin %q of Helm: %q %q", plugin, *c.Namespace, *c.Context)
		}
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		c.AddFlags(flags)
		if err := flags.Parse([]string{"--namespace=mine"}); err != nil || *c.Namespace != "mine" {
			t.Errorf("%q, error %v", *c.Namespace, err)
		}
	}
}
