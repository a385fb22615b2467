package task

// Host runs a program on the user's machine.
type Host struct {
	Command Command
	// Env are variables, as NAME=VALUE, that are added to the program's environment.
	Env []string
	// Dir is the working directory, relative to that of the run; empty means the same directory.
	Dir string
}

// Kind returns "host".
func (Host) Kind() string { return "host" }

// Argv returns the program and its arguments.
func (h Host) Argv() []string { return h.Command.Argv }

// Text returns the command as written.
func (h Host) Text() string { return h.Command.Text }

func (Host) executor() {}
