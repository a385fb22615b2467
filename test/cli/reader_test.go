package cli

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestReaderLeaves: that who reads the results has left is no error.
func TestReaderLeaves(t *testing.T) {
	dir := t.TempDir()
	const tasks = "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n- {name: one, host: {command: [echo, hello]}}\n- {name: two, phase: pre-deploy, host: {command: [sh, -c, exit 3]}}\n"
	if err := os.WriteFile(dir+"/tasks.yaml", []byte(tasks), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]int{
		"list": 0, "list -o json": 0, "list -o yaml": 0, "list -o name": 0, "lint -o json": 0, "schema": 0, "version": 0, "version -o json": 0,
		"run one": 0, "run one -o json": 0, "run --phase pre-deploy": 3, "plan run one": 2, "help": 0,
	} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = read.Close()
		program, err := exec.LookPath("kubectl-tasks")
		if err != nil {
			t.Fatal(err)
		}
		var errOut strings.Builder
		cmd := exec.CommandContext(t.Context(), program, strings.Fields(line)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, write, &errOut
		cmd.Env = append(os.Environ(), "KUBECONFIG=/dev/null", "HOME="+dir)
		err = cmd.Run()
		_ = write.Close()
		code := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != want || strings.Contains(errOut.String(), "broken pipe") {
			t.Errorf("%s: exit code %d, want %d\n%s", line, code, want, &errOut)
		}
	}
}
