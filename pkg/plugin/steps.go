package plugin

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/cluster"
)

import "github.com/kubectl-tasks/kubectl-tasks/pkg/runner"

// recordSteps makes steps record what they create and scale up, and know what earlier processes of the run have
// created and scaled up.
func recordSteps(steps *runner.Steps, s *session, resuming *resumption) {
	steps.ScaledUp.Cluster, steps.ScaledUp.Namespace, steps.ScaledUp.Timeout = cluster.Of(steps.Client), steps.Release.Namespace, steps.Readiness.Timeout
	if s.journal != nil {
		steps.Created, steps.ScaledUp.BeforeUp = s.journal.Created, s.journal.ScaledUp
		steps.ScaledUp.AfterDown = func(target string) { _ = s.journal.ScaledDown(target) } // the journal reports its own failures
	}
	if resuming != nil {
		steps.PriorCreated = resuming.made
		for _, w := range resuming.run.ScaledUp {
			steps.ScaledUp.Add(w.Target, w.UID, w.Replicas)
		}
	}
}
