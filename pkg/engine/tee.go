package engine

import (
	"context"
	"errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Tee writes to one journal and then to another. It implements Journal.
type Tee [2]Journal

// Before stops at the first error.
func (t Tee) Before(ctx context.Context, a Attempt) error {
	if err := t[0].Before(ctx, a); err != nil {
		return err
	}
	return t[1].Before(ctx, a)
}

// Retried writes to both journals, whatever the first one returns.
func (t Tee) Retried(a Attempt, result task.Result) error {
	return errors.Join(t[0].Retried(a, result), t[1].Retried(a, result))
}

// After writes to both journals, whatever the first one returns.
func (t Tee) After(result StepResult) error {
	return errors.Join(t[0].After(result), t[1].After(result))
}
