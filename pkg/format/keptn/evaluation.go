package keptn

import (
	"cmp"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// evaluationDefinition is a KeptnEvaluationDefinition (spec keptn.md § 3.6). Source and the queries of
// objectives are those of v1alpha1 and v1alpha2.
type evaluationDefinition struct {
	object

	Spec struct {
		Source            string      `json:"source"`
		Objectives        []objective `json:"objectives"`
		Retries           *int        `json:"retries"`
		RetryInterval     string      `json:"retryInterval"`
		FailureConditions any         `json:"failureConditions"`
	} `json:"spec"`

	node *yaml.Node
	file string
}

type objective struct {
	KeptnMetricRef   metricRef `json:"keptnMetricRef"`
	EvaluationTarget string    `json:"evaluationTarget"`
	Name             string    `json:"name"`
	Query            string    `json:"query"`
}

type metricRef struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// metric is a KeptnMetric.
type metric struct {
	object

	Spec struct {
		Provider             reference      `json:"provider"`
		Query                string         `json:"query"`
		FetchIntervalSeconds int            `json:"fetchIntervalSeconds"`
		Range                map[string]any `json:"range"`
	} `json:"spec"`
}

// provider is a KeptnMetricsProvider.
type provider struct {
	object

	Spec struct {
		Type                  string    `json:"type"`
		TargetServer          string    `json:"targetServer"`
		SecretKeyRef          secretKey `json:"secretKeyRef"`
		InsecureSkipTLSVerify bool      `json:"insecureSkipTlsVerify"`
	} `json:"spec"`
}

type secretKey struct {
	Name     string `json:"name"`
	Key      string `json:"key"`
	Optional bool   `json:"optional"`
}

// The defaults of Keptn's CRD.
const (
	evaluationRetries  = 10
	evaluationInterval = "5s"
)

// evaluation makes the executor of an evaluation; false when it cannot be.
func (p *parser) evaluation(at task.Position, name string) (task.Evaluation, bool) {
	d := p.evaluationDefinitions[name]
	if d == nil {
		p.fail(at, "", "add --skip-evaluations", "evaluation definition %q not found in the documents (Keptn would wait forever)", name)
		return task.Evaluation{}, false
	}
	interval, err := time.ParseDuration(cmp.Or(d.Spec.RetryInterval, evaluationInterval))
	if err != nil || interval < 0 {
		p.fail(p.placeOf(d, "spec", "retryInterval"), "", "", "the retryInterval %q is not a duration such as 5s", d.Spec.RetryInterval)
		return task.Evaluation{}, false
	}
	e := task.Evaluation{Definition: name, Retries: evaluationRetries, Interval: interval}
	if d.Spec.Retries != nil {
		e.Retries = *d.Spec.Retries
	}
	if len(d.Spec.Objectives) == 0 {
		p.fail(p.placeOf(d, "spec"), "", "", "evaluation definition %q has no objectives", name)
		return e, false
	}
	for _, o := range d.Spec.Objectives {
		made, err := p.objective(d, o)
		if err != nil {
			p.fail(p.placeOf(d, "spec", "objectives"), "", "add --skip-evaluations", "evaluation %q: %v", name, err)
			return e, false
		}
		e.Objectives = append(e.Objectives, made)
	}
	return e, true
}

func (p *parser) placeOf(d *evaluationDefinition, path ...string) task.Position {
	n := nearest(d.node, path...)
	return task.Position{File: d.file, Line: n.Line, Column: n.Column}
}

// objective returns what is compared. Whether the cluster has a value of the metric is found out later; who
// can be asked when it has none is known now, and nobody is no error as long as the cluster may have one.
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

// evaluations makes the tasks of a list of evaluations, which run side by side, and returns what the next
// list waits for: their names, or those they wait for themselves when there are none.
func (p *parser) evaluations(g list, definitions []string, needs []string) []string {
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
