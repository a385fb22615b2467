package lagoon

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The defaults of a task that waits for its service (spec lagoon.md § 2c).
const (
	scaleWait       = 10 * time.Second
	scaleIterations = 30
)

// section is one of the two lists of tasks.
type section struct {
	name  string
	phase task.Phase
	// disabled is the variable that switches it off.
	disabled string
}

var (
	preRollout  = section{"pre-rollout", task.PreDeploy, "LAGOON_PREROLLOUT_DISABLED"}
	postRollout = section{"post-rollout", task.PostDeploy, "LAGOON_POSTROLLOUT_DISABLED"}
)

// step is a task of a list, as it is written.
type step struct {
	run
	position, at task.Position // of the task, and of its condition
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

// rollout reads a .lagoon.yml and what overrides it.
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

// document is a text with its name.
type document struct {
	name string
	text []byte
}

// overrides returns what is merged into the file, in this order.
func (p *parser) overrides() []document {
	var found []document
	if p.opts.ReadFile != nil {
		text, err := p.opts.ReadFile(OverrideName)
		switch {
		case err == nil:
			found = append(found, document{OverrideName, text})
		case !errors.Is(err, fs.ErrNotExist):
			p.fail(task.Position{File: OverrideName}, "", "", "%v", err)
		}
	}
	const variable = "LAGOON_YAML_OVERRIDE"
	encoded, ok := p.opts.Facts.Given[variable]
	if !ok {
		encoded = p.opts.Override
	}
	if encoded != "" {
		text, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			p.fail(task.Position{File: variable}, "", "write the YAML through base64 -w0", "it is not base64: %v", err)
			return found
		}
		found = append(found, document{variable, text})
	}
	return found
}

// merge returns the tasks with those of an override: one that has the name of another replaces the
// fields that it sets, any other comes after them. Then they are sorted by weight; Lagoon's own
// sorting is not stable (spec lagoon.md § 2c).
func merge(tasks, overrides []step) []step {
	for _, o := range overrides {
		i := slices.IndexFunc(tasks, func(t step) bool { return t.Name != "" && t.Name == o.Name })
		if i < 0 {
			tasks = append(tasks, o)
			continue
		}
		t := &tasks[i]
		replace(&t.Command, o.Command)
		replace(&t.Service, o.Service)
		replace(&t.Container, o.Container)
		replace(&t.Shell, o.Shell)
		if o.When != "" {
			t.When, t.at = o.When, o.at
		}
		replace(&t.Weight, o.Weight)
		replace(&t.ScaleWaitTime, o.ScaleWaitTime)
		replace(&t.ScaleMaxIterations, o.ScaleMaxIterations)
		replace(&t.RequiresEnvironment, o.RequiresEnvironment)
	}
	slices.SortStableFunc(tasks, func(a, b step) int { return a.Weight - b.Weight })
	return tasks
}

// replace sets a field that the other one sets.
func replace[T comparable](field *T, other T) {
	var unset T
	if other != unset {
		*field = other
	}
}

func (p *parser) warnWeights(all []step) {
	for _, s := range all {
		if s.Weight != 0 {
			p.warn(s.position, "", "", "weight counts only when the file has an override, as in Lagoon; the tasks run in the order of the file")
			return
		}
	}
}

// section turns a list into tasks, each of which needs the one before it.
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
			t.Skip = p.switchedOff(s)
		}
		if t.Skip == "" {
			result := p.when(name, one.When, s.phase, one.at)
			t.When = result.why
			if !result.holds {
				t.Skip = result.why
			}
		}
		if previous != "" {
			t.Needs = []string{previous}
		}
		previous = name
		p.tasks = append(p.tasks, t)
	}
}

// switchedOff says that a variable switches a section off; "" when none does.
func (p *parser) switchedOff(s section) string {
	if v, ok := p.lookup(s.disabled); ok && v.Value == "true" {
		return fmt.Sprintf("%s is true (%s)", s.disabled, v.Origin)
	}
	return ""
}

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
