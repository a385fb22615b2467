package task

// Executor is where a task runs and what it runs: Host or Exec.
type Executor interface {
	// Kind is the executor's name in files and messages, such as "host".
	Kind() string
	// Argv is the program and its arguments.
	Argv() []string
	// Text is the command as its author wrote it, for showing: variables are not expanded, so
	// no value of the environment is in it.
	Text() string
	// executor keeps the set closed: a new place to run is a type in this file.
	executor()
}

// Host runs a program on the machine of the user.
type Host struct {
	Command Command
}

// Exec runs a program in the running pods of the release, in each one's default container.
type Exec struct {
	Command Command
	// Parallel is how many pods may run it at the same time; 0 and 1 mean one after another.
	Parallel int
}

// Command is a program with its arguments.
type Command struct {
	// Argv is what is executed, without a shell.
	Argv []string
	// Text is what the author wrote.
	Text string
	// Local names the variables of the user's machine whose values went into Argv.
	Local []string
}

// Kind returns "host".
func (Host) Kind() string { return "host" }

// Kind returns "exec".
func (Exec) Kind() string { return "exec" }

// Argv returns the program and its arguments.
func (h Host) Argv() []string { return h.Command.Argv }

// Argv returns the program and its arguments.
func (e Exec) Argv() []string { return e.Command.Argv }

// Text returns the command as written.
func (h Host) Text() string { return h.Command.Text }

// Text returns the command as written.
func (e Exec) Text() string { return e.Command.Text }

func (Host) executor() {}
func (Exec) executor() {}
