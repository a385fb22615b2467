package evaluation

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestRun(t *testing.T) {
	tests := []struct {
		name string
		// status are the values of a metric in the cluster, asked those of Prometheus, one for each request; the last one
		// stays.
		status, asked []string
		server        string
		cancel        time.Duration
		want          task.State
		says          string
		took          time.Duration
	}{
		{name: "met at once", status: []string{"4"}, want: task.Succeeded},
		{name: "met later", status: []string{"6", "6", "4"}, want: task.Succeeded, took: 10 * time.Second},
		{name: "never met", status: []string{"6"}, want: task.Failed, says: "after 3 attempts: m is 6, not <5", took: 10 * time.Second},
		{name: "no value yet", status: []string{""}, want: task.Failed, says: "it has no value in the cluster, and no Prometheus is configured", took: 10 * time.Second},
		{name: "asked", status: []string{""}, asked: []string{"4"}, server: "http://p", want: task.Succeeded},
		{name: "the cluster's value counts first", status: []string{"6"}, asked: []string{"4"}, server: "http://p", want: task.Failed, took: 10 * time.Second},
		{name: "not a number", status: []string{"x"}, want: task.Failed, says: `its value "x" is not a number`, took: 10 * time.Second},
		{name: "cancelled", status: []string{"6"}, cancel: 7 * time.Second, want: task.Cancelled, says: "stop", took: 7 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, func() { cancel(errors.New("stop")) })
				}
				next := func(values *[]string) string {
					v := (*values)[0]
					if len(*values) > 1 {
						*values = (*values)[1:]
					}
					return v
				}
				r := Runner{
					Status: func(context.Context, task.Objective) (string, error) { return next(&tt.status), nil },
					Query: func(context.Context, task.Objective) (float64, error) {
						return map[string]float64{"4": 4}[next(&tt.asked)], nil
					},
				}
				began := time.Now()
				result := r.Run(ctx, task.Task{Executor: task.Evaluation{
					Definition: "e", Retries: 2, Interval: 5 * time.Second, Objectives: []task.Objective{{Metric: "m", Target: "<5", Server: tt.server}},
				}}, func(task.Output) {})
				if result.State != tt.want || !strings.Contains(result.Message, tt.says) {
					t.Errorf("%s %s, want %s %s", result.State, result.Message, tt.want, tt.says)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
			})
		})
	}
}
