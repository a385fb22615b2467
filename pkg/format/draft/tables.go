package draft

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// FileName is what Draft calls its task file; it looks for it in the working directory only.
const FileName = ".draft-tasks.toml"

// table is one of the tables that Draft runs tasks from (spec draft.md § 1.1).
type table struct {
	name  string
	phase task.Phase
	// inPods reports that its commands run in the pods of the application.
	inPods bool
}

var tables = []table{
	{name: "pre-up", phase: task.PreDeploy},
	{name: "post-deploy", phase: task.PostDeploy, inPods: true},
	{name: "post-up", phase: task.PostDeploy},
	{name: "cleanup", phase: task.PostUninstall},
}

// formerNames are what a table was called, or is called elsewhere, with what it is here.
var formerNames = map[string]string{
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

// tableByName finds a table as Draft does: in any case.
func tableByName(name string) (table, bool) {
	for _, t := range tables {
		if strings.EqualFold(t.name, name) {
			return t, true
		}
	}
	return table{}, false
}

// likely suggests the table that was meant, or lists them all.
func likely(name string) string {
	lower := strings.ToLower(name)
	if former, ok := formerNames[lower]; ok {
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

// header is a line that begins a table of tasks.
var header = regexp.MustCompile(`(?mi)^[ \t]*\[+[ \t]*["']?(pre-up|post-deploy|post-up|cleanup)["']?[ \t]*\]|^[ \t]*(pre-up|post-deploy|post-up|cleanup)[ \t]*=`)

// Recognises reports whether the text is a task file of Draft: it has one of the tables, or
// nothing at all, which is how Draft's own files begin.
func Recognises(text []byte) bool {
	return header.Match(text) || len(bytes.TrimSpace(text)) == 0
}
