package record

import (
	"context"
	"errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Both writes to one journal and then to another. It implements engine.Journal.
type Both [2]engine.Journal

// Before stops at the first error.
func (b Both) Before(ctx context.Context, a engine.Attempt) error {
	if err := b[0].Before(ctx, a); err != nil {
		return err
	}
	return b[1].Before(ctx, a)
}

// Retried tells both.
func (b Both) Retried(a engine.Attempt, result task.Result) error {
	return errors.Join(b[0].Retried(a, result), b[1].Retried(a, result))
}

// After tells both.
func (b Both) After(result engine.StepResult) error {
	return errors.Join(b[0].After(result), b[1].After(result))
}
