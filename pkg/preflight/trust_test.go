package preflight

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestUntrusted: tasks of a source that is not trusted are listed when they run on this machine or read its variables.
func TestUntrusted(t *testing.T) {
	command := task.Command{Argv: []string{"x"}, Text: "x $HOME"}
	sends := command
	sends.Local = []string{"HOME", "USER"}
	got := Untrusted([]task.Task{
		{Name: "trusted", Executor: task.Host{Command: command}, Source: task.Source{Trusted: true}},
		{Name: "host", Executor: task.Host{Command: command}, Local: []string{"HOME"}},
		{Name: "exec", Executor: task.Exec{Command: command}},
		{Name: "sends", Executor: task.Exec{Command: sends}},
		{Name: "reads", Executor: task.Wait{Object: "pod/a"}, Local: []string{"HOME"}},
		{Name: "asks", Executor: task.Approve{Message: "?"}},
	})
	want := []string{
		"  host runs on this machine: x $HOME",
		"  sends sends this machine's $HOME, $USER to a pod: x $HOME",
		"  reads reads this machine's $HOME: pod/a",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
