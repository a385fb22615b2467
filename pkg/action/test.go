package action

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Test runs the tests of a release, as helm test does.
type Test struct {
	Connection *Connection
	Helm       *Helm
	Test       *release.Test
	Release    plan.Release
	// Emit takes the events of the tests; may be nil.
	Emit Emit
	// Print is called after the tests, before the objects that they created are deleted.
	Print func() error
}

// Run runs the tests. The error has exit code 124 when a time limit passed.
func (t *Test) Run(ctx context.Context) error {
	steps := &runner.Steps{Client: t.Connection.Client(), Operation: task.Run, Release: t.Release}
	t.Helm.running = t.Helm.hooks(steps)
	t.Helm.running.Emit = t.Emit
	t.Test.SecretsOf = steps.SecretsOf
	end := t.Test.Run(t.Release.Name)
	for _, then := range []func() error{t.Print, t.Test.Cleanup} {
		if err := then(); end == nil {
			end = err
		}
	}
	if refused := (*release.PreflightError)(nil); end == nil || errors.As(end, &refused) {
		return end
	}
	if code, ok := interruption(ctx); ok {
		return RunError{code, context.Cause(ctx)}
	}
	code := ExitFailed
	if timedOut(end) {
		code = ExitTimeout
	}
	return RunError{code, fmt.Errorf("test: %w", end)}
}
