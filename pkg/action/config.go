package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/approve"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/host"
)

// Config is the environment of actions in the process that calls them. Several actions can share one, also at the same
// time: they do not change it.
type Config struct {
	// Name is the program as users type it before a command, such as "kubectl tasks"; hints contain it.
	Name string
	// Log takes a message about the progress, without a line break at its end. Texts in it that come from the cluster, a
	// chart or a file are escaped (report.Escape). It is called from several goroutines.
	Log func(message string)
	// Environ is the environment of the process, as os.Environ returns it.
	Environ []string
	// Directory returns the working directory.
	Directory func() (string, error)
	// Stdin returns the whole of standard input, for tasks from "-"; nil when there is none.
	Stdin func() ([]byte, error)
	// Now is the clock.
	Now func() time.Time
	// HelmLog takes Helm's warnings and debug lines; nil discards them.
	HelmLog io.Writer
	// Person answers questions.
	Person Person
	// OnExit registers a function that removes files which must not outlive the process. Required.
	OnExit func(remove func())
	// OnAbandon registers a function for an immediate exit, and returns a function that removes it again. It may be nil.
	OnAbandon func(report func()) (forget func())
}

// Person is the user at the terminal.
type Person struct {
	// Interactive reports that there is one.
	Interactive bool
	// Ask asks a question that is answered by yes or no; see terminal.Terminal.Ask.
	Ask func(ctx context.Context, question string) (bool, error)
}

// helmLog returns the writer for Helm's warnings and debug lines.
func (c *Config) helmLog() io.Writer {
	if c.HelmLog == nil {
		return io.Discard
	}
	return c.HelmLog
}

// stdin returns the whole of standard input.
func (c *Config) stdin() ([]byte, error) {
	if c.Stdin == nil {
		return nil, errors.New("there is no standard input to read tasks from")
	}
	return c.Stdin()
}

// owner describes this process in records and locks.
func (c *Config) owner() lock.Owner { return lock.Self(c.getenv) }

// approver returns the runner of approve tasks; yes answers all of them.
func (c *Config) approver(yes bool) approve.Runner {
	return approve.Runner{Yes: yes, Interactive: c.Person.Interactive, Ask: c.Person.Ask}
}

// say logs a message. The texts in it can come from anywhere (see shown).
func (c *Config) say(format string, args ...any) { c.Log(shown(format, args...)) }

// note logs a note to the user.
func (c *Config) note(text string) { c.say("note: %s", text) }

// shown formats a message, and escapes the result: texts in it may come from the cluster, a chart or a file.
func shown(format string, args ...any) string {
	return string(report.Escape(fmt.Appendf(nil, format, args...)))
}

// lookup returns a variable of the environment, as os.LookupEnv does.
func (c *Config) lookup(name string) (string, bool) { return host.Environment(c.Environ).Lookup(name) }

// getenv returns a variable of the environment, as os.Getenv does.
func (c *Config) getenv(name string) string {
	value, _ := c.lookup(name)
	return value
}
