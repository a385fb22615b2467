package action

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
)

// Title returns the name of a release for messages, also for runs without a release.
func Title(name string) string {
	if name == "" {
		return "no release"
	}
	return fmt.Sprintf("release %q", name)
}

// CheckSteps returns a UsageError when one of the names is not a task of the run.
func CheckSteps(run *record.Stored, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(run.Steps, func(s record.Step) bool { return s.ID == name }) {
			return UsageError{fmt.Errorf("run %s has no task %q", run.ID, name)}
		}
	}
	return nil
}

// Decide returns a hint how to resume a run with tasks whose result is unknown.
func (c *Config) Decide(run string, names []string) string {
	with := func(flag string) string {
		line := []string{c.Name, "resume", run}
		for _, name := range names {
			line = append(line, flag, argument(name))
		}
		return "'" + strings.Join(line, " ") + "'"
	}
	if len(names) == 1 {
		return fmt.Sprintf("hint: find out how %s ended; then run %s if it succeeded, or %s if it can run again", tasksNamed(names), with("--done"), with("--again"))
	}
	return fmt.Sprintf("hint: find out how %s ended; then run %s if they succeeded, with --again instead of --done for each task that can run again", tasksNamed(names), with("--done"))
}

// tasksNamed names tasks, as `task "a"` or `tasks "a", "b"`.
func tasksNamed(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	if len(names) == 1 {
		return "task " + quoted[0]
	}
	return "tasks " + strings.Join(quoted, ", ")
}

// argument returns a word quoted for a shell.
func argument(word string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || r == '/' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(word) + `"`
}
