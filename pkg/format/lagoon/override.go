package lagoon

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// document is a text with its name.
type document struct {
	name string
	text []byte
}

// overrides returns the documents that are merged into the file, in this order.
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
	encoded, ok := p.opts.Facts.Variables[variable]
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

// merge returns the tasks with those of an override, sorted by weight. A task with the name of another one replaces
// the fields that it sets; any other task is added. The sort is stable; Lagoon's is not (spec lagoon.md § 2c).
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

// replace sets a field to the other value, unless that is the zero value.
func replace[T comparable](field *T, other T) {
	var unset T
	if other != unset {
		*field = other
	}
}
