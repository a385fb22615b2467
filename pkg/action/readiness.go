package action

import (
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/readiness"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
)

// readiness returns the options for waits.
func (o HelmOptions) readiness() (ready.Options, error) {
	how := ready.Options{Grace: o.Grace, Unschedulable: o.GraceGiven, Note: o.Note}
	if o.Waiting != nil {
		how.Progress = func(all int, unready []ready.Unready) { o.Waiting(waitingLines(all, unready)...) }
	}
	if o.Grace < 0 {
		return how, UsageError{fmt.Errorf("--grace must not be negative: %s", o.Grace)}
	}
	if o.Rules == "" {
		return how, nil
	}
	text, err := os.ReadFile(o.Rules)
	if err != nil {
		return how, UsageError{err}
	}
	rules, err := readiness.Parse(o.Rules, text)
	if err != nil {
		return how, UsageError{err}
	}
	how.Rules = map[schema.GroupKind]ready.Rule{}
	for _, rule := range rules {
		kind := schema.GroupKind{Group: rule.Group, Kind: rule.Kind}
		if how.Rules[kind] = nil; rule.Waits {
			how.Rules[kind] = judge(rule)
		}
	}
	return how, nil
}

// judge converts a rule of a file to a rule of waits.
func judge(rule readiness.Rule) ready.Rule {
	return func(o *unstructured.Unstructured) (ready.Verdict, string) {
		switch is, failed, reason := rule.Judge(o.Object); {
		case is:
			return ready.Ready, ""
		case failed:
			return ready.Failed, reason
		default:
			return ready.NotYet, reason
		}
	}
}
