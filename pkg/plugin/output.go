package plugin

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/terminal"
)

// addOutput adds the flag -o with the formats of the command.
func addOutput(fs *pflag.FlagSet, value *string, formats ...string) {
	fs.StringVarP(value, "output", "o", "", "output format; one of "+strings.Join(formats, ", "))
}

func checkOutput(value string, formats ...string) error {
	if value == "" || slices.Contains(formats, value) {
		return nil
	}
	return action.Usage(fmt.Errorf("unknown output format %q; use one of %s", value, strings.Join(formats, ", ")))
}

// data returns the writer for data, such as the output of a program or a file. On a terminal, data is escaped like text.
// In a file and in a pipe it is exact, except for a pipe to a CI system that executes commands in all lines and cannot be
// asked not to: there, commands are escaped. exact states that the pipe leads to another program.
func (a *App) data(stream io.Writer, exact bool) io.Writer {
	switch {
	case terminal.Is(stream) && stream == a.raw.Out:
		return a.Out
	case terminal.Is(stream):
		return a.ErrOut
	case exact || terminal.IsFile(stream):
		return stream
	case slices.ContainsFunc(readers, func(variable string) bool { return os.Getenv(variable) != "" }):
		tame := report.NewDataPrinter(stream)
		a.onExit(func() { _ = tame.Close() })
		return tame
	}
	a.stopCommands()
	return stream
}

// readers are variables of the CI systems that execute commands in all lines and cannot be asked not to: Azure
// Pipelines and TeamCity.
var readers = []string{"TF_BUILD", "TEAMCITY_VERSION"}

// dataWriter writes the data of a task, and keeps the first error. A closed pipe is not an error.
type dataWriter struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (d *dataWriter) Write(b []byte) (int, error) {
	n, err := d.to.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		return len(b), nil
	}
	if err != nil && d.err == nil {
		d.err = err
	}
	return n, err
}

// printObject writes an object in the format of -o json or -o yaml, exactly.
func (a *App) printObject(format string, object any) error {
	to := &dataWriter{to: a.raw.Out}
	if format == "yaml" {
		return report.YAML(to, object)
	}
	return report.JSON(to, object)
}

// printed prints the results of a command as Helm's own command does.
type printed interface {
	Format() string
	Print(out io.Writer, run any) error
}

// printRelease writes the output of Helm's command: text, or an exact document.
func (a *App) printRelease(p printed, run any) error {
	format := p.Format()
	if format != "json" && format != "yaml" {
		return p.Print(a.Out, run)
	}
	var b bytes.Buffer
	if err := p.Print(&b, run); err != nil {
		return err
	}
	text, err := report.EscapeJSON(b.Bytes()), error(nil)
	if format == "yaml" {
		text, err = report.EscapeYAML(b.Bytes())
	}
	if err == nil {
		_, err = (&dataWriter{to: a.raw.Out}).Write(text)
	}
	return err
}

// shown formats a line, and escapes the result: texts in it may come from the cluster, a chart or a file.
func shown(format string, args ...any) string {
	return string(report.Escape(fmt.Appendf(nil, format, args...)))
}

// stopCommands stops GitHub Actions from executing commands in the output of programs, charts and Helm, until this process
// ends (docs.github.com, "Workflow commands": stop-commands). It writes to standard error, which the runner also reads, and
// leaves standard output exact.
func (a *App) stopCommands() {
	if os.Getenv("GITHUB_ACTIONS") != "true" || a.stopped {
		return
	}
	a.stopped = true
	token := rand.Text()
	fmt.Fprintf(a.raw.ErrOut, "::stop-commands::%s\n", token)
	a.onExit(func() { fmt.Fprintf(a.raw.ErrOut, "::%s::\n", token) })
}
