package draft

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// FileName is the name of Draft's task file. Draft reads it from the working directory only.
const FileName = ".draft-tasks.toml"

// table is one of the tables that Draft runs tasks from (spec draft.md § 1.1).
type table struct {
	name  string
	phase task.Phase
	// inPods reports that the commands run in the pods of the application.
	inPods bool
}

var tables = []table{
	{name: "pre-up", phase: task.PreDeploy},
	{name: "post-deploy", phase: task.PostDeploy, inPods: true},
	{name: "post-up", phase: task.PostDeploy},
	{name: "cleanup", phase: task.PostUninstall},
}

// tableAliases are the tables, by former names and by names in other systems.
var tableAliases = map[string]string{
	"post-delete":    "cleanup",
	"clean-up":       "cleanup",
	"delete":         "cleanup",
	"teardown":       "cleanup",
	"post-uninstall": "cleanup",
	"pre-deploy":     "pre-up",
	"pre-install":    "pre-up",
	"setup":          "pre-up",
	"dependencies":   "pre-up",
	"post-install":   "post-deploy",
}

// tableByName returns the table of that name. Case does not matter, as in Draft.
func tableByName(name string) (table, bool) {
	for _, t := range tables {
		if strings.EqualFold(t.name, name) {
			return t, true
		}
	}
	return table{}, false
}

// suggestTable returns a hint with the table that was probably meant, or all tables.
func suggestTable(name string) string {
	lower := strings.ToLower(name)
	if former, ok := tableAliases[lower]; ok {
		return fmt.Sprintf("did you mean [%s]?", former)
	}
	var names, shown []string
	for _, t := range tables {
		names, shown = append(names, t.name), append(shown, "["+t.name+"]")
	}
	if meant := task.Nearest(lower, names); meant != "" {
		return fmt.Sprintf("did you mean [%s]?", meant)
	}
	return "the tables are " + strings.Join(shown, ", ")
}

// header matches a line that begins a table of tasks.
var header = regexp.MustCompile(`(?mi)^[ \t]*\[+[ \t]*["']?(pre-up|post-deploy|post-up|cleanup)["']?[ \t]*\]|^[ \t]*(pre-up|post-deploy|post-up|cleanup)[ \t]*=`)

// Recognises reports whether the text is a task file of Draft: it has one of the tables, or is empty, as the
// file that Draft creates.
func Recognises(text []byte) bool {
	return header.Match(text) || len(bytes.TrimSpace(text)) == 0
}
