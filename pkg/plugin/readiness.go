package plugin

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/readiness"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
)

// readinessFlags say how objects are waited for.
type readinessFlags struct {
	grace time.Duration
	// graceFlag is the flag itself, which knows whether it was given.
	graceFlag *pflag.Flag
	rules     string
}

func (r *readinessFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&r.rules, "readiness", "", "a file with rules that say when custom resources are ready")
	fs.DurationVar(&r.grace, "grace", ready.DefaultGrace, "how long a wait bears what seldom goes away by itself, such as an image that cannot be pulled, or a container that has crashed three times; when it is given, a pod that no node takes counts too; 0 waits for the whole --timeout")
	r.graceFlag = fs.Lookup("grace")
}

// read returns how objects are waited for.
func (r *readinessFlags) read() (ready.Options, error) {
	if r.grace < 0 {
		return ready.Options{}, usageError{fmt.Errorf("--grace must not be negative, as %s is", r.grace)}
	}
	how := ready.Options{Grace: r.grace, Unschedulable: r.graceFlag != nil && r.graceFlag.Changed}
	if r.rules == "" {
		return how, nil
	}
	text, err := os.ReadFile(r.rules)
	if err != nil {
		return how, usageError{err}
	}
	rules, err := readiness.Parse(r.rules, text)
	if err != nil {
		return how, usageError{err}
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

// judge returns a rule of a file as waits have it.
func judge(rule readiness.Rule) ready.Rule {
	return func(o *unstructured.Unstructured) (ready.Verdict, string) {
		switch met, failed, reason := rule.Judge(o.Object); {
		case met:
			return ready.Ready, ""
		case failed:
			return ready.Failed, reason
		default:
			return ready.NotYet, reason
		}
	}
}
