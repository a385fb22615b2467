package keptn

import (
	"cmp"
	"fmt"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The defaults of Keptn's CRD.
const (
	evaluationRetries  = 10
	evaluationInterval = "5s"
)

// evaluation returns the executor of an evaluation. It returns false after a finding.
func (p *parser) evaluation(at task.Position, name string) (task.Evaluation, bool) {
	d := p.evaluationDefinitions[name]
	if d == nil {
		p.fail(at, "", "add --skip-evaluations", "evaluation definition %q not found in the documents (Keptn would wait forever)", name)
		return task.Evaluation{}, false
	}
	interval, err := time.ParseDuration(cmp.Or(d.Spec.RetryInterval, evaluationInterval))
	if err != nil || interval < 0 {
		p.fail(p.position(d, "spec", "retryInterval"), "", "", "invalid retryInterval %q; write a duration such as 5s", d.Spec.RetryInterval)
		return task.Evaluation{}, false
	}
	e := task.Evaluation{Definition: name, Retries: evaluationRetries, Interval: interval}
	if d.Spec.Retries != nil {
		e.Retries = *d.Spec.Retries
	}
	if len(d.Spec.Objectives) == 0 {
		p.fail(p.position(d, "spec"), "", "", "evaluation definition %q has no objectives", name)
		return e, false
	}
	for _, o := range d.Spec.Objectives {
		made, err := p.objective(d, o)
		if err != nil {
			p.fail(p.position(d, "spec", "objectives"), "", "add --skip-evaluations", "evaluation %q: %v", name, err)
			return e, false
		}
		e.Objectives = append(e.Objectives, made)
	}
	return e, true
}

func (p *parser) position(d *evaluationDefinition, path ...string) task.Position {
	n := nodeAt(d.node, path...)
	return task.Position{File: d.file, Line: n.Line, Column: n.Column}
}

// objective returns an objective with the provider of its metric. A metric without a known provider is an error,
// unless the metrics-operator may have its value in the cluster.
func (p *parser) objective(d *evaluationDefinition, o objective) (task.Objective, error) {
	target, err := task.ParseThreshold(o.EvaluationTarget)
	if err != nil {
		return task.Objective{}, err
	}
	made := task.Objective{Metric: cmp.Or(o.KeptnMetricRef.Name, o.Name), Namespace: o.KeptnMetricRef.Namespace, Target: target, Query: o.Query}
	from := d.Spec.Source
	if m := p.metrics[made.Metric]; m != nil {
		made.Query, from = m.Spec.Query, m.Spec.Provider.Name
		if len(m.Spec.Range) > 0 && !p.wiring.MetricsOperator {
			return made, fmt.Errorf("metric %q has a range, which only the Keptn metrics-operator computes; not evaluated", made.Metric)
		}
	}
	provider := p.providers[from]
	switch {
	case provider != nil && cmp.Or(provider.Spec.Type, provider.Metadata.Name) == "prometheus":
		made.Server, made.Insecure = provider.Spec.TargetServer, provider.Spec.InsecureSkipTLSVerify
		made.Secret, made.Key = provider.Spec.SecretKeyRef.Name, provider.Spec.SecretKeyRef.Key
	case p.wiring.MetricsOperator:
	case provider != nil:
		return made, fmt.Errorf("metric %q is of a provider of type %s, which needs the Keptn metrics-operator; not evaluated", made.Metric, provider.Spec.Type)
	default:
		return made, fmt.Errorf("metric %q needs the Keptn metrics-operator; not evaluated", made.Metric)
	}
	return made, nil
}

// addEvaluations adds the tasks of a list of evaluations, which run in parallel. It returns the needs of the next
// list: the names of the tasks, or the needs of this list when it has no tasks.
func (p *parser) addEvaluations(g taskList, definitions []string, needs []string) []string {
	var names []string
	for _, definition := range definitions {
		if p.wiring.SkipEvaluations {
			p.warn(g.at, "", "", "evaluation %q is skipped", definition)
			continue
		}
		e, ok := p.evaluation(g.at, definition)
		if !ok {
			continue
		}
		name := fmt.Sprintf("%s-evaluation/%s/%s", g.checkType, g.of, definition)
		names = append(names, name)
		policy := task.Policy{}
		if p.wiring.NonBlocking {
			policy.OnFailure = task.Warn
		}
		p.tasks = append(p.tasks, task.Task{Name: name, Phase: g.phase, Executor: e, Needs: needs, Policy: policy, Position: g.at, Source: p.opts.Source})
	}
	if len(names) == 0 {
		return needs
	}
	return names
}
