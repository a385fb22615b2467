package service

import (
	"context"
	"fmt"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// unidle scales the workloads up that Lagoon's idler has scaled to zero, and waits for them. A failure is only a note,
// unless the task requires the environment.
func (r Runner) unidle(ctx context.Context, s task.Service, sink task.Sink) error {
	failed := func(err error) error {
		if s.UnidleOrFail || ctx.Err() != nil {
			return fmt.Errorf("scaling up the environment: %w", err)
		}
		note(sink, "scaling up the environment: %v; continuing, because requiresEnvironment is not true", err)
		return nil
	}
	idle, err := r.Cluster.ListScaledToZero(ctx, r.Namespace, idleLabel)
	if err != nil {
		return failed(err)
	}
	var up []string
	for _, d := range idle {
		target, replicas := "deployment/"+d.Name, replicasBefore(d)
		note(sink, "%s is idle: scaling it to %d", target, replicas)
		use := r.ScaledUp.Use(target)
		err := r.scaleUp(ctx, use, target, replicas)
		use.Done(ctx, func(string) {})
		if err != nil {
			if err := failed(err); err != nil {
				return err
			}
			continue
		}
		up = append(up, target)
	}
	until := time.Now().Add(s.Patience)
	for _, w := range up {
		if err := r.await(ctx, w, max(time.Until(until), 0)); err != nil {
			if err := failed(err); err != nil {
				return err
			}
		}
	}
	return nil
}
