package engine

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// capture extracts outputs from what a task prints. It is safe for concurrent use.
type capture struct {
	definitions []task.OutputDefinition
	patterns    []*regexp.Regexp
	masks       *mask.Secrets

	mu   sync.Mutex
	line []byte
	last []byte
	// matches are the last matches of the patterns, by the name of the output.
	matches map[string]string
}

// newCapture returns nil when the task has no outputs.
func newCapture(t *task.Task, masks *mask.Secrets) (*capture, error) {
	if len(t.Outputs) == 0 {
		return nil, nil
	}
	c := &capture{definitions: t.Outputs, patterns: make([]*regexp.Regexp, len(t.Outputs)), masks: masks, matches: map[string]string{}}
	for i, o := range t.Outputs {
		if o.Pattern == "" {
			continue
		}
		var err error
		if c.patterns[i], err = regexp.Compile(o.Pattern); err != nil {
			return nil, fmt.Errorf("output %q: %w", o.Name, err)
		}
	}
	return c, nil
}

// sink returns a sink that captures outputs and passes everything to next. Secrets are added to the masks before their
// line is passed.
func (c *capture) sink(next task.Sink) task.Sink {
	if c == nil {
		return next
	}
	return func(o task.Output) {
		if o.Stream == task.Stdout {
			c.take(o.Data)
		}
		next(o)
	}
}

func (c *capture) take(data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range bytes.Lines(data) {
		if len(c.line) <= task.MaxOutput {
			c.line = append(c.line, line...)
		}
		if line[len(line)-1] == '\n' {
			c.endLine()
		}
	}
}

func (c *capture) endLine() {
	line := bytes.TrimRight(c.line, "\r\n")
	c.line = c.line[:0]
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	c.last = append(c.last[:0], line...)
	for i, o := range c.definitions {
		switch {
		case c.patterns[i] != nil:
			if m := c.patterns[i].FindSubmatch(line); m != nil {
				c.matches[o.Name] = string(m[min(1, len(m)-1)])
				if o.Secret {
					c.masks.Add(c.matches[o.Name])
				}
			}
		case o.JSON != "" && o.Secret:
			// It is not known yet whether this is the last line.
			if v, err := jsonValue(line, o.JSON); err == nil {
				c.masks.Add(v)
			}
		}
	}
}

// outputs returns the values of a task that succeeded. The error names the values that are missing or have another type.
// own are the values that the executor returned.
func (c *capture) outputs(files map[string]string, own map[string]task.Value) (map[string]task.Value, error) {
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.line) > 0 {
		c.endLine()
	}
	values := make(map[string]task.Value, len(c.definitions))
	var problems []error
	for _, o := range c.definitions {
		if o.FromExecutor {
			values[o.Name] = own[o.Name]
			continue
		}
		v, err := c.value(o, files)
		if err == nil {
			v, err = convert(v, o.Type)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("output %q: %w", o.Name, err))
			continue
		}
		if o.Secret {
			c.masks.Add(v)
		}
		values[o.Name] = task.Value{Value: v, Secret: o.Secret}
	}
	return values, errors.Join(problems...)
}

func (c *capture) value(o task.OutputDefinition, files map[string]string) (any, error) {
	var text string
	switch {
	case o.File != "":
		content, ok := files[o.File]
		if !ok {
			return nil, fmt.Errorf("the task wrote no file %s", o.File)
		}
		text = strings.TrimRight(content, "\r\n")
	case o.JSON != "":
		if len(c.last) > task.MaxOutput {
			return nil, errTooLong
		}
		return jsonValue(c.last, o.JSON)
	default:
		var ok bool
		if text, ok = c.matches[o.Name]; !ok {
			return nil, fmt.Errorf("no output of the task matches %s", o.Pattern)
		}
	}
	if len(text) > task.MaxOutput {
		return nil, errTooLong
	}
	return text, nil
}

var errTooLong = fmt.Errorf("it is longer than %d KiB", task.MaxOutput>>10)
