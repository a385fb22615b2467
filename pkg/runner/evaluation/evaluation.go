package evaluation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs evaluation tasks.
type Runner struct {
	// Status returns the value of a KeptnMetric in the cluster; empty when it has none.
	Status func(ctx context.Context, o task.Objective) (string, error)
	// Query queries a Prometheus for a value.
	Query func(ctx context.Context, o task.Objective) (float64, error)
}

// Run reads each metric until its target is met, and fails when one is not met after the retries.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	e, ok := t.Executor.(task.Evaluation)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not an evaluation task", t.Executor)}
	}
	left := e.Objectives
	for n := 0; ; n++ {
		var unmet []task.Objective
		var why []string
		for _, o := range left {
			value, err := r.value(ctx, o)
			switch {
			case err != nil:
				unmet, why = append(unmet, o), append(why, fmt.Sprintf("%s: %v", o.Metric, err))
			case !o.Target.Met(value):
				unmet, why = append(unmet, o), append(why, fmt.Sprintf("%s is %v, not %s", o.Metric, value, o.Target))
			default:
				sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "%s is %v (%s)\n", o.Metric, value, o.Target)})
			}
		}
		switch {
		case ctx.Err() != nil:
			return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
		case len(unmet) == 0:
			return task.Result{State: task.Succeeded}
		case n >= e.Retries:
			return task.Result{State: task.Failed, Reason: "NotMet", Message: fmt.Sprintf("after %s: %s", counted(n+1, "attempt"), strings.Join(why, "; "))}
		}
		if n == 0 {
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "%s; checking again every %s, at most %s\n", strings.Join(why, "; "), e.Interval, counted(e.Retries, "time"))})
		}
		left = unmet
		select {
		case <-ctx.Done():
		case <-time.After(e.Interval):
		}
	}
}

// value returns the value of a metric from the cluster, otherwise from Prometheus.
func (r Runner) value(ctx context.Context, o task.Objective) (float64, error) {
	text, err := r.Status(ctx, o)
	if err != nil {
		return 0, err
	}
	if text != "" {
		var value float64
		if _, err := fmt.Sscan(text, &value); err != nil {
			return 0, fmt.Errorf("its value %q is not a number", text)
		}
		return value, nil
	}
	if o.Server == "" {
		return 0, fmt.Errorf("it has no value in the cluster, and no Prometheus is configured")
	}
	return r.Query(ctx, o)
}

// counted returns a number and a noun in the singular or plural.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
