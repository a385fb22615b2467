package lagoon

import (
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The default interval and number of checks for a service that scales up (spec lagoon.md § 2c).
const (
	scaleWait       = 10 * time.Second
	scaleIterations = 30
)

// section is one of the two lists of tasks.
type section struct {
	name  string
	phase task.Phase
	// disabled is the variable that disables it.
	disabled string
}

var (
	preRollout  = section{"pre-rollout", task.PreDeploy, "LAGOON_PREROLLOUT_DISABLED"}
	postRollout = section{"post-rollout", task.PostDeploy, "LAGOON_POSTROLLOUT_DISABLED"}
)

// step is a task of a list.
type step struct {
	run
	position, at task.Position // of the task and of its condition
}

// run are the fields of a task.
type run struct {
	Name, Command, Service, Container, Shell, When string

	Weight              int  `json:"weight"`
	ScaleWaitTime       int  `json:"scaleWaitTime"`
	ScaleMaxIterations  int  `json:"scaleMaxIterations"`
	RequiresEnvironment bool `json:"requiresEnvironment"`
}

// steps are the two lists of a file.
type steps struct{ pre, post []step }

// rollout reads a .lagoon.yml and its overrides.
func (p *parser) rollout() {
	all, ok := p.readSteps(p.text, p.opts.Source.Name)
	if !ok {
		return
	}
	overrides := p.overrides()
	for _, o := range overrides {
		more, ok := p.readSteps(o.text, o.name)
		if !ok {
			continue
		}
		all.pre, all.post = merge(all.pre, more.pre), merge(all.post, more.post)
	}
	if len(overrides) == 0 {
		p.warnWeights(slices.Concat(all.pre, all.post))
	}
	p.section(preRollout, all.pre)
	p.section(postRollout, all.post)
}

// warnWeights warns about weights in a file without an override, where they have no effect.
func (p *parser) warnWeights(all []step) {
	for _, s := range all {
		if s.Weight != 0 {
			p.warn(s.position, "", "", "weight applies only when the file has an override, as in Lagoon; the tasks run in the order of the file")
			return
		}
	}
}

// section adds the tasks of a list. Each needs the previous one.
func (p *parser) section(s section, all []step) {
	used := map[string]bool{}
	previous := ""
	for i, one := range all {
		label := one.Name
		if label == "" {
			label = fmt.Sprintf("task %d", i+1)
		}
		name := s.name + "/" + label
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s/%s (%d)", s.name, label, n)
		}
		used[name] = true
		if one.Service == "" {
			p.fail(one.position, name, "", "task %q: service is required (Lagoon would find no deployment)", label)
			continue
		}
		if one.Command == "" {
			p.warn(one.position, name, "", "task %q has an empty command, which succeeds", label)
		}
		t := task.Task{Name: name, Phase: s.phase, Executor: p.service(s, one), Position: one.position, Source: p.opts.Source}
		p.conditions[name] = one.When
		if p.runs(name, s.phase) {
			t.Skip = p.disabledBy(s)
		}
		if t.Skip == "" {
			result := p.when(name, one.When, s.phase, one.at)
			t.When = result.reason
			if !result.holds {
				t.Skip = result.reason
			}
		}
		if previous != "" {
			t.Needs = []string{previous}
		}
		previous = name
		p.tasks = append(p.tasks, t)
	}
}

// disabledBy returns the variable that disables a section, for a message; empty when none does.
func (p *parser) disabledBy(s section) string {
	if v, ok := p.lookup(s.disabled); ok && v.Value == "true" {
		return fmt.Sprintf("%s is true (%s)", s.disabled, v.Origin)
	}
	return ""
}

// service returns the executor of a rollout task.
func (p *parser) service(s section, one step) task.Service {
	shell := one.Shell
	if shell == "" {
		shell = "sh"
	}
	wait, iterations := scaleWait, scaleIterations
	if one.ScaleWaitTime > 0 {
		wait = time.Duration(one.ScaleWaitTime) * time.Second
	}
	if one.ScaleMaxIterations > 0 {
		iterations = one.ScaleMaxIterations
	}
	return task.Service{
		Command: task.Command{Argv: []string{shell, "-c", one.Command}, Text: one.Command},
		Name:    one.Service, Label: p.opts.ServiceLabel, Container: one.Container,
		Optional: s == preRollout, Unidle: s == preRollout, UnidleOrFail: s == preRollout && one.RequiresEnvironment,
		Patience: wait * time.Duration(iterations),
	}
}
