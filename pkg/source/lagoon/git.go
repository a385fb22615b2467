package lagoon

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
)

// gitTimeout limits each call of git.
const gitTimeout = 5 * time.Second

// AddGit adds what git knows about a directory to the options of Lagoon's format: the branch and the commit
// that are checked out. Git runs when a document depends on them. An empty directory means the working
// directory.
func AddGit(o *format.LagoonOptions, dir string) {
	o.Branch = sync.OnceValue(func() string { return git(dir, "symbolic-ref", "--short", "-q", "HEAD") })
	o.Commit = sync.OnceValue(func() string { return git(dir, "rev-parse", "HEAD") })
}

// git returns the output of git; "" when it fails.
func git(dir string, args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), gitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	text, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
