package runner

import (
	"cmp"
	"context"
	"fmt"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/evaluation"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// metricStatus returns the value of a metric in the cluster; see evaluation.Runner.
func (s *Steps) metricStatus(ctx context.Context, o task.Objective) (string, error) {
	return evaluation.Metrics{Client: s.Client}.Status(ctx, cmp.Or(o.Namespace, s.Release.Namespace), o.Metric)
}

// askPrometheus queries the provider of a metric; see evaluation.Runner.
func (s *Steps) askPrometheus(ctx context.Context, o task.Objective) (float64, error) {
	namespace := s.Release.Namespace
	q := evaluation.PrometheusQuery{Server: o.Server, Query: o.Query, Insecure: o.Insecure}
	if o.Secret != "" {
		if o.Namespace != "" && o.Namespace != namespace {
			return 0, fmt.Errorf("the token for %s is in secret %q in namespace %q: only secrets in namespace %q are sent", o.Server, o.Secret, o.Namespace, namespace)
		}
		token, err := s.Client.SecretValue(ctx, namespace, o.Secret, o.Key)
		if err != nil {
			return 0, err
		}
		q.Token = token
	}
	return evaluation.Metrics{Client: s.Client}.Ask(ctx, q)
}
