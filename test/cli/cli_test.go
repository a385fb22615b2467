// Package cli tests the command line where no cluster is needed, and none is there.
package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
	"github.com/kubectl-tasks/kubectl-tasks/test/script"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kubectl-tasks": func() { os.Exit(plugin.Main()) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("KUBECONFIG", "/dev/null")
			env.Setenv("GORACE", script.Race)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, "tmp"))
			return os.MkdirAll(filepath.Join(env.WorkDir, "tmp"), 0o755)
		},
		Cmds: script.Commands,
	})
}
