package task

// Executor is where a task runs and what it runs. Each executor is a type of this package. Undos are recorded: the
// names of the fields of their executors are stored.
type Executor interface {
	// Kind is the executor's name in files and messages, such as "host".
	Kind() string
	// Argv is the program and its arguments.
	Argv() []string
	// Text is the command as its author wrote it, for messages. Variables are not expanded, so that it contains no value of
	// the environment.
	Text() string
	// executor makes the set of types closed.
	executor()
}

// Command is a program with its arguments.
type Command struct {
	// Argv is the program and its arguments, which run without a shell.
	Argv []string
	// Text is the command as the author wrote it.
	Text string
	// Local are the names of the variables of the user's machine whose values are in Argv.
	Local []string
}
