package lagoon

import (
	"bytes"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const (
	// FileName is the name of Lagoon's file.
	FileName = ".lagoon.yml"
	// OverrideName is the name of the file whose tasks are merged into it.
	OverrideName = ".lagoon.override.yml"
	// DefaultTimeout is Lagoon's limit for the pod of a task (spec lagoon.md § 2a).
	DefaultTimeout = 6 * time.Hour
	// podTimeoutLabel is the label of a namespace that changes the limit, in hours.
	podTimeoutLabel = "lagoon.sh/taskPodTimeout"
	// maxBytes limits the size of a document.
	maxBytes = 1 << 20
)

// Options are the inputs of Parse in addition to the text.
type Options struct {
	// Source is the document. Its Name is the file in every position.
	Source task.Source
	// Facts are the variables of conditions and pods.
	Facts Facts
	// ReadFile returns another file of the same source; nil when the source has no other files. A missing file
	// is fs.ErrNotExist.
	ReadFile func(path string) ([]byte, error)
	// Override is $LAGOON_YAML_OVERRIDE: YAML in base64 that is merged into a .lagoon.yml. A variable of that
	// name overrides it.
	Override string
	// Runs reports whether a task may run; nil means that all may. The conditions of the others are not evaluated.
	Runs func(name string, phase task.Phase) bool
	// Lenient is for listing and checking tasks: conditions are not evaluated, and a missing argument is allowed.
	Lenient bool
	// Arguments are the values of the arguments of definitions, by their names.
	Arguments map[string]string
	// Timeout limits the pods of tasks; 0 means the limit of the namespace, else DefaultTimeout.
	Timeout time.Duration
	// Compat runs standard tasks in every container, as Lagoon does.
	Compat bool
	// ServiceLabel replaces task.ServiceLabel when it is not empty.
	ServiceLabel string
}

// Recognises reports whether the text looks like a document with tasks of Lagoon.
func Recognises(text []byte) bool {
	return sections.Match(text) || resourceKind.Match(text) || definitionType.Match(text)
}

var (
	sections       = regexp.MustCompile(`(?mi)^\s*["']?(pre|post)-rollout["']?\s*:`)
	resourceKind   = regexp.MustCompile(`(?m)(^|[{,\s])["']?kind["']?\s*:\s*["']?LagoonTask\b`)
	definitionType = regexp.MustCompile(`(?m)(^|[{,\s])["']?type["']?\s*:\s*["']?(COMMAND|IMAGE)\b`)
)

// Parse returns the tasks of a document, and all findings about it; no tasks when a finding is an error. Rollout
// tasks are named "pre-rollout/NAME" and "post-rollout/NAME", and each needs the previous one. Tasks of resources
// and definitions have no phase.
func Parse(text []byte, opts Options) ([]task.Task, task.Diagnostics) {
	p := &parser{opts: opts, text: text, conditions: map[string]string{}, argumentsOf: map[string][]argument{}}
	return p.parse()
}

func (p *parser) parse() ([]task.Task, task.Diagnostics) {
	if p.checkText() {
		switch {
		case resourceKind.Match(p.text):
			p.resources()
		case definitionType.Match(p.text) && !sections.Match(p.text):
			p.definitions()
		default:
			p.rollout()
		}
	}
	p.found.Sort()
	if p.found.Err() != nil {
		return nil, p.found
	}
	return p.tasks, p.found
}

type parser struct {
	opts Options
	text []byte
	// project and gitSHA are the settings of the file for these variables.
	project string
	gitSHA  bool
	// conditions are the conditions as written, and argumentsOf the arguments of definitions, by the names of
	// the tasks.
	conditions  map[string]string
	argumentsOf map[string][]argument

	tasks []task.Task
	found task.Diagnostics
}

// checkText reports whether the text is small enough and UTF-8.
func (p *parser) checkText() bool {
	at := task.Position{File: p.opts.Source.Name}
	switch {
	case len(p.text) > maxBytes:
		p.fail(at, "", "", "the file is larger than %d bytes", maxBytes)
	case !utf8.Valid(p.text):
		p.fail(at, "", "save the file as UTF-8", "the file is not UTF-8 text")
	case bytes.IndexByte(p.text, 0) >= 0:
		p.fail(at, "", "", "the file has a NUL character")
	default:
		return true
	}
	return false
}

// runs reports whether the condition of a task is evaluated.
func (p *parser) runs(name string, phase task.Phase) bool {
	return !p.opts.Lenient && (p.opts.Runs == nil || p.opts.Runs(name, phase))
}

// timeout returns the limit for the pods of tasks.
func (p *parser) timeout() time.Duration {
	if p.opts.Timeout > 0 {
		return p.opts.Timeout
	}
	if p.opts.Facts.Cluster != nil && !p.opts.Lenient {
		if v, ok := p.opts.Facts.Cluster(podTimeoutLabel); ok {
			if hours, err := strconv.Atoi(v.Value); err == nil && hours > 0 {
				return time.Duration(hours) * time.Hour
			}
		}
	}
	return DefaultTimeout
}
