package lagoon

import (
	"os/exec"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
)

// TestAddGit: the branch and the commit are those of the directory, and empty outside of a repository.
func TestAddGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", dir)
	var outside format.LagoonOptions
	AddGit(&outside, dir)
	if outside.Branch() != "" || outside.Commit() != "" {
		t.Errorf("outside of a repository: branch %q, commit %q", outside.Branch(), outside.Commit())
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "feature/x"},
		{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "--allow-empty", "-m", "first"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	var o format.LagoonOptions
	AddGit(&o, dir)
	if o.Branch() != "feature/x" || len(o.Commit()) != 40 {
		t.Errorf("branch %q, commit %q", o.Branch(), o.Commit())
	}
}
