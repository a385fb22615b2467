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

// addOutput adds -o with the formats that the command knows.
func addOutput(fs *pflag.FlagSet, value *string, formats ...string) {
	fs.StringVarP(value, "output", "o", "", "output format; one of "+strings.Join(formats, ", "))
}

func checkOutput(value string, formats ...string) error {
	if value == "" || slices.Contains(formats, value) {
		return nil
	}
	return action.Usage(fmt.Errorf("unknown output format %q; use one of %s", value, strings.Join(formats, ", ")))
}

// data is the way out of what is no text for people: what a program printed, or a file. On a terminal it is text
// all the same. In a file it is exact, and also in a pipe, unless that leads to a CI system that reads all lines
// for commands and cannot be stopped; there commands are written out. exact says that the pipe leads elsewhere.
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

// readers are the variables by which CI systems are known that cannot be kept from reading all lines for commands:
// Azure Pipelines and TeamCity.
var readers = []string{"TF_BUILD", "TEAMCITY_VERSION"}

// dataWriter takes the data of a task, and keeps the first error. That nobody reads any more is none.
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

// printed is what writes a command's results as Helm's own command does.
type printed interface {
	Format() string
	Print(out io.Writer, run any) error
}

// printRelease writes what Helm's command writes: text, or a document that stays exact.
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

// shown formats a line with text from outside.
func shown(format string, args ...any) string {
	return string(report.Escape(fmt.Appendf(nil, format, args...)))
}

// stopCommands keeps GitHub Actions from obeying what programs, charts and Helm's errors say as it is, until this
// program ends (docs.github.com, "Workflow commands": stop-commands). It speaks on standard error, which is the
// runner's as well, and leaves standard output the program's own.
func (a *App) stopCommands() {
	if os.Getenv("GITHUB_ACTIONS") != "true" || a.stopped {
		return
	}
	a.stopped = true
	token := rand.Text()
	fmt.Fprintf(a.raw.ErrOut, "::stop-commands::%s\n", token)
	a.onExit(func() { fmt.Fprintf(a.raw.ErrOut, "::%s::\n", token) })
}
