package task

import "fmt"

// Task is one thing to do around a release, in the same form whichever file format it came from.
type Task struct {
	// Name is unique among the tasks of one run. Formats that have sections use "section/name".
	Name string
	// Phase is the moment at which the task runs; empty when it runs only by name.
	Phase Phase
	// Executor says where and what to run; never nil in a valid task.
	Executor Executor
	// Needs names what must have ended well before this one starts: tasks, phases (all their
	// tasks), or objects such as "statefulset/db" (until they are ready).
	Needs []string
	// Skip says why the task is not to be run though its turn comes; empty when it is.
	Skip string
	// When tells of the condition under which the task runs: as written, what it saw and its result;
	// empty when there is none or nothing is known of it.
	When string
	// Confirm is a question that a person answers before the run, as its author demands; may be empty.
	Confirm string
	// Outputs are the values that later tasks can use.
	Outputs []OutputDefinition
	// Reads are the results of other tasks that this one refers to. It runs after those of its
	// own phase.
	Reads []Read
	// Local names the variables of the user's machine that it refers to.
	Local []string
	// Deferred is set when Executor or Skip depend on Reads or on the run.
	Deferred Deferred
	// Undo takes back what the task did, when the release is rolled back; nil when nothing does. It
	// has the task's name.
	Undo *Task
	// Once is a key for each value of which the task runs once; empty when it runs always.
	Once string
	// Changed makes the task run only when something has changed since it last succeeded; nil when
	// it runs always.
	Changed *Fingerprint
	Policy
	// Position is where the task was written.
	Position Position
	// Source is the document that the task was read from.
	Source Source
}

// Validate returns an error, with the task's position, when the task could not be planned:
// no name, a phase that does not exist, no executor or no command.
func (t Task) Validate() error {
	switch {
	case t.Name == "":
		return t.Position.Errorf("a task needs a name")
	case t.Phase != "" && !t.Phase.Known():
		return t.Position.Errorf("task %q has the unknown phase %q", t.Name, t.Phase)
	case t.Executor == nil:
		return t.Position.Errorf("task %q does not say what to run", t.Name)
	case len(t.Executor.Argv()) == 0:
		return t.Position.Errorf("task %q has an empty command", t.Name)
	}
	return nil
}

// Fingerprint is what a task depends on.
type Fingerprint struct {
	// Digest sums up the files, values and texts that the document names.
	Digest string
	// Images are workloads, as KIND/NAME, whose images count too.
	Images []string
}

// Source is a document with tasks: what a user can be pointed at, and how far it is trusted.
type Source struct {
	// Name is the file's path as the user gave it, "standard input", or "configmap/NAME/KEY".
	Name string
	// Format is the name of the file format, such as "draft".
	Format string
	// Trusted is true for what the user named or stands next to on the own machine. Tasks of
	// other sources may not touch the machine: neither run a program nor read its environment.
	Trusted bool
}

// Position is a place in a document. Line and Column count from 1, Column in characters;
// 0 means unknown.
type Position struct {
	File   string
	Line   int
	Column int
}

// String returns file:line:column, leaving out what is unknown.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Errorf returns an error of severity Error at this position.
func (p Position) Errorf(format string, args ...any) error {
	return Diagnostic{Position: p, Severity: Error, Message: fmt.Sprintf(format, args...)}
}
