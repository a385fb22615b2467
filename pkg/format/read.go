package format

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Set is the content of documents.
type Set struct {
	Documents   []Document
	Tasks       []task.Task
	Diagnostics task.Diagnostics
}

// OptionError is about an option that does not fit the documents.
type OptionError struct{ Err error }

// Error returns the reason.
func (e *OptionError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *OptionError) Unwrap() error { return e.Err }

// Read parses documents, each in its own format, and returns their tasks in order. The error is an
// *OptionError when a given parameter is declared by no document, the error of o.FactsErr, or
// task.Diagnostics with all findings of severity Error. The set has the findings in each case.
func Read(documents []Document, o Options) (Set, error) {
	set := Set{Documents: documents}
	if unknown := undeclared(o.Facts.Params, documents); len(unknown) > 0 {
		return set, &OptionError{fmt.Errorf("no task document has the parameter %s", strings.Join(unknown, ", "))}
	}
	for _, d := range documents {
		f, known := All.ByName(d.Format)
		if !known {
			set.Diagnostics = append(set.Diagnostics, task.Diagnostic{
				Position: task.Position{File: d.Name}, Severity: task.Error, Message: "unknown format " + d.Format,
			})
			continue
		}
		tasks, found := f.Parse(d, documents, o)
		set.Tasks = append(set.Tasks, tasks...)
		set.Diagnostics = append(set.Diagnostics, found...)
	}
	if o.FactsErr != nil {
		if err := o.FactsErr(); err != nil {
			return set, err
		}
	}
	for i := range set.Tasks {
		override(&set.Tasks[i], o)
	}
	return set, set.Diagnostics.Err()
}

// override applies the options that replace what a task says itself.
func override(t *task.Task, o Options) {
	if t.Timeout == 0 {
		t.Timeout = o.Timeout
	}
	if e, ok := t.Executor.(task.Exec); ok && o.Parallel > 0 {
		e.Parallel = o.Parallel
		t.Executor = e
	}
}

// undeclared returns the sorted names of parameters that no document declares. Such a parameter was
// probably meant for another document.
func undeclared(given map[string]string, documents []Document) []string {
	if len(given) == 0 {
		return nil
	}
	declared := map[string]bool{}
	for _, d := range documents {
		if f, ok := All.ByName(d.Format); ok && f.Parameters != nil {
			for _, name := range f.Parameters(d.Text) {
				declared[name] = true
			}
		}
	}
	var names []string
	for name := range given {
		if !declared[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
