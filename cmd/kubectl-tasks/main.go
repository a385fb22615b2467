// Command kubectl-tasks runs tasks around Helm releases; as a plugin it is kubectl tasks and helm tasks.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the credential plugins that kubeconfigs name

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
)

func main() {
	app := plugin.New(genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr})

	// The first signal ends the run in good order, the second at once.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		cancel(plugin.Interrupted{Signal: <-signals})
		second := plugin.Interrupted{Signal: <-signals}
		app.Abandon()
		os.Exit(second.ExitCode())
	}()

	os.Exit(app.Run(ctx, os.Args[1:]))
}
