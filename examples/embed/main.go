// Embed runs the tasks of a file from another program, with pkg/action:
//
//	go run ./examples/embed tasks.yaml backup smoke-test
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: embed FILE TASK…")
		os.Exit(action.ExitUsage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Stdout, os.Args[1], os.Args[2:])
	stop()
	os.Exit(code)
}

// run runs tasks of a file, writes their output and the result to out, and returns the exit code.
func run(ctx context.Context, out io.Writer, file string, tasks []string) int {
	printer := report.NewPrinter(out) // escapes what a terminal or a CI system would obey
	defer func() { _ = printer.Close() }()
	var leftovers []func()
	defer func() {
		for _, remove := range leftovers {
			remove()
		}
	}()
	text := &report.Text{Log: printer, Stdout: printer, Stderr: printer}
	r := &action.Run{Names: tasks}
	r.References = []string{file}
	r.Record.Place = action.RecordNone // action.RecordAuto records runs for resume, in the cluster
	r.Connection = action.NewConnection(genericclioptions.NewConfigFlags(true), release.NewSettings())
	r.Config = &action.Config{
		Name: "embed", Environ: os.Environ(), Directory: os.Getwd, Now: time.Now,
		Log:    func(message string) { fmt.Fprintln(printer, message) },
		OnExit: func(remove func()) { leftovers = append(leftovers, remove) },
	}
	r.Present = func(string, plan.Plan) (action.Presentation, error) { return action.Presentation{Emit: text.Emit}, nil }

	result, err := r.Run(ctx)
	if result != nil { // the run began
		for _, step := range result.Outcome.Steps {
			fmt.Fprintf(printer, "%s: %s\n", step.Step.ID, step.State)
		}
	}
	if err != nil {
		fmt.Fprintln(printer, "Error:", err)
	}
	return action.ExitCode(err)
}
