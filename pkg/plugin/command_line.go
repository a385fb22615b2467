package plugin

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"
)

// connects are the flags that choose the cluster or the user. They are not recorded: the user who resumes a run gives
// them again.
var connects = []string{
	"namespace", "context", "cluster", "user", "kubeconfig", "server", "token", "as", "as-group", "as-uid", "as-user-extra",
	"certificate-authority", "client-certificate", "client-key", "tls-server-name", "request-timeout", "cache-dir", "disable-compression",
	"username", "password", "kube-context", "kube-token", "kube-as-user", "kube-as-group", "kube-apiserver", "kube-ca-file",
	"kube-tls-server-name", "kube-insecure-skip-tls-verify", "proxy-url", "lock-wait", "record",
}

// commandLine returns a command line for a record: the name of the command, its flags except for connects, and its
// arguments.
func (a *App) commandLine(args []string) []string {
	root := a.Command()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return nil
	}
	line := []string{cmd.Name()}
	err = cmd.Flags().ParseAll(rest, func(f *pflag.Flag, value string) error {
		if !slices.Contains(connects, f.Name) {
			line = append(line, fmt.Sprintf("--%s=%s", f.Name, value))
		}
		return nil
	})
	if err != nil {
		return nil
	}
	rest, dash := cmd.Flags().Args(), cmd.Flags().ArgsLenAtDash()
	if dash >= 0 {
		rest = slices.Insert(slices.Clone(rest), dash, "--")
	}
	return append(line, rest...)
}
