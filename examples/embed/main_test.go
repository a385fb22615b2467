package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

// TestRun: the program runs tasks, shows their output and results, and returns the exit code of the command line.
func TestRun(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	file := filepath.Join(t.TempDir(), "tasks.yaml")
	if err := os.WriteFile(file, []byte(`apiVersion: kubectl-tasks.io/v1alpha1
kind: Tasks
tasks:
- name: hello
  host: {command: [echo, hello world]}
- name: pause
  sleep: {for: 10ms}
- name: broken
  host: {shell: exit 7}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		file  string
		tasks []string
		code  int
		shows []string
	}{
		{file, []string{"hello", "pause"}, 0, []string{"| hello world\n", "hello: Succeeded\n", "pause: Succeeded\n"}},
		{file, []string{"broken"}, 7, []string{"broken: Failed\n", `Error: task "broken": exit status 7`}},
		{file, []string{"other"}, action.ExitUsage, []string{"Error: "}},
		{file + "x", []string{"hello"}, action.ExitUsage, []string{"Error: "}},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), &out, tt.file, tt.tasks); code != tt.code {
			t.Errorf("%v: exit code %d, want %d\n%s", tt.tasks, code, tt.code, &out)
		}
		for _, text := range tt.shows {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%v: no %q in\n%s", tt.tasks, text, &out)
			}
		}
	}
}
