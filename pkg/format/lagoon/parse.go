package lagoon

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const (
	// FileName is what Lagoon calls its file.
	FileName = ".lagoon.yml"
	// OverrideName is the file beside it whose tasks are merged into it.
	OverrideName = ".lagoon.override.yml"
	// DefaultTimeout is how long Lagoon lets a task's pod run (spec lagoon.md § 2a).
	DefaultTimeout = 6 * time.Hour
	// podTimeoutLabel is how a namespace says it otherwise, in hours.
	podTimeoutLabel = "lagoon.sh/taskPodTimeout"
	// maxBytes is how large a document may be.
	maxBytes = 1 << 20
)

// Options are what reading a document depends on besides its text.
type Options struct {
	// Source is the document; its Name is the file in every position.
	Source task.Source
	// Facts are what conditions and pods can know.
	Facts Facts
	// ReadFile returns a file beside the document; nil when there are none. One that is not there is
	// fs.ErrNotExist.
	ReadFile func(path string) ([]byte, error)
	// Override is the YAML, in base64, that $LAGOON_YAML_OVERRIDE merges into a .lagoon.yml; a variable
	// of that name wins over it.
	Override string
	// Runs tells which tasks may run; nil means all. The conditions of others are not evaluated.
	Runs func(name string, phase task.Phase) bool
	// Looking reports that nothing is run: conditions are checked, and not evaluated.
	Looking bool
	// Arguments are those of definitions.
	Arguments map[string]string
	// Timeout is how long a pod of its own may run; 0 means DefaultTimeout.
	Timeout time.Duration
	// Compat runs standard tasks in every container, as Lagoon does.
	Compat bool
	// ServiceLabel is looked at in the place of task.ServiceLabel when it is not empty.
	ServiceLabel string
}

// Recognises reports whether the text has tasks of Lagoon, as far as a look at it tells.
func Recognises(text []byte) bool {
	return sections.Match(text) || resourceKind.Match(text) || definitionType.Match(text)
}

var (
	sections       = regexp.MustCompile(`(?mi)^\s*["']?(pre|post)-rollout["']?\s*:`)
	resourceKind   = regexp.MustCompile(`(?m)(^|[{,\s])["']?kind["']?\s*:\s*["']?LagoonTask\b`)
	definitionType = regexp.MustCompile(`(?m)(^|[{,\s])["']?type["']?\s*:\s*["']?(COMMAND|IMAGE)\b`)
)

// Parse returns the tasks of a document, and everything there is to say about it. When one of the
// findings is an error, there are no tasks. Rollout tasks are named "pre-rollout/NAME" and
// "post-rollout/NAME", and each needs the one before it; tasks of resources and definitions have no
// phase.
func Parse(text []byte, opts Options) ([]task.Task, task.Diagnostics) {
	p := &parser{opts: opts, text: text, conditions: map[string]string{}, asked: map[string][]argument{}}
	return p.parse()
}

func (p *parser) parse() ([]task.Task, task.Diagnostics) {
	if p.isText() {
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
	// project and gitSHA are what the file says of these variables.
	project string
	gitSHA  bool
	// conditions are those of tasks, as written, and asked the arguments of definitions, by the name of
	// the task.
	conditions map[string]string
	asked      map[string][]argument

	tasks []task.Task
	found task.Diagnostics
}

// isText checks what no YAML parser need see.
func (p *parser) isText() bool {
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

func (p *parser) fail(at task.Position, name, hint, format string, args ...any) {
	p.add(task.Error, at, name, hint, format, args...)
}

func (p *parser) warn(at task.Position, name, hint, format string, args ...any) {
	p.add(task.Warning, at, name, hint, format, args...)
}

func (p *parser) add(s task.Severity, at task.Position, name, hint, format string, args ...any) {
	p.found = append(p.found, task.Diagnostic{Position: at, Severity: s, Task: name, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// failures is how many of the findings are errors.
func (p *parser) failures() int {
	count := 0
	for _, d := range p.found {
		if d.Severity == task.Error {
			count++
		}
	}
	return count
}

// runs reports whether the task may run, so that its condition counts.
func (p *parser) runs(name string, phase task.Phase) bool {
	return !p.opts.Looking && (p.opts.Runs == nil || p.opts.Runs(name, phase))
}

// timeout is how long a pod of its own may run.
func (p *parser) timeout() time.Duration {
	if p.opts.Timeout > 0 {
		return p.opts.Timeout
	}
	if p.opts.Facts.Cluster != nil && !p.opts.Looking {
		if v, ok := p.opts.Facts.Cluster(podTimeoutLabel); ok {
			if hours, err := strconv.Atoi(v.Value); err == nil && hours > 0 {
				return time.Duration(hours) * time.Hour
			}
		}
	}
	return DefaultTimeout
}
