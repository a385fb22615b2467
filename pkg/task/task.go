package task

// Task is one thing to do around a release, in the same form for every file format.
type Task struct {
	// Name is unique among the tasks of a run. Formats with sections use "section/name".
	Name string
	// Phase is the moment at which the task runs; empty when it runs only by name.
	Phase Phase
	// Executor is where and what to run; never nil in a valid task.
	Executor Executor
	// Needs are the tasks, phases (all their tasks), or objects such as "statefulset/db" that must have succeeded, or be
	// ready, before this task starts.
	Needs []string
	// Skip is the reason why the task is skipped; empty when it is not.
	Skip string
	// When describes the condition of the task: as written, the values that it used, and its result; empty when there is no
	// condition or nothing is known of it.
	When string
	// Confirm is a question that the user must answer before the run; may be empty.
	Confirm string
	// Outputs are the values that later tasks can use.
	Outputs []OutputDefinition
	// Reads are the results of other tasks that this task refers to. It runs after those of its own phase.
	Reads []Read
	// Local are the names of the variables of the user's machine that the task refers to.
	Local []string
	// Deferred is set when Executor or Skip depend on Reads or on the state of the run.
	Deferred Deferred
	// Undo undoes the task when the release is rolled back; nil when the task has no undo. It has the task's name.
	Undo *Task
	// Once is a key; the task runs once for each value of it. Empty means that it always runs.
	Once string
	// Changed lets the task run only when something has changed since it last succeeded; nil means that it always runs.
	Changed *Fingerprint
	Policy
	// Position is where the task is defined.
	Position Position
	// Source is the document that the task was read from.
	Source Source
}

// Validate returns an error with the task's position when the task cannot be planned: it has no name, no executor, no
// command, or a phase that does not exist.
func (t Task) Validate() error {
	switch {
	case t.Name == "":
		return t.Position.Errorf("a task needs a name")
	case t.Phase != "" && !t.Phase.Known():
		return t.Position.Errorf("task %q has the unknown phase %q", t.Name, t.Phase)
	case t.Executor == nil:
		return t.Position.Errorf("task %q has no executor", t.Name)
	case len(t.Executor.Argv()) == 0:
		return t.Position.Errorf("task %q has an empty command", t.Name)
	}
	return nil
}

// Fingerprint is what a task depends on.
type Fingerprint struct {
	// Digest is the digest of the files, values and texts that the document names.
	Digest string
	// Images are workloads, as KIND/NAME, whose images are part of the fingerprint.
	Images []string
}
