package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// capture looks for outputs in what a task prints. It is safe for concurrent use.
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

// sink returns next with a look at what goes through it. Secrets are known before the line that
// holds them goes on.
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
			// Whether it is the last line is not known yet.
			if v, err := jsonValue(line, o.JSON); err == nil {
				c.masks.Add(v)
			}
		}
	}
}

// outputs returns the values of a task that succeeded, and an error that names those that are not
// there or not what they should be. own are those that its executor told.
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
			return nil, fmt.Errorf("the task left no file %s", o.File)
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
			return nil, fmt.Errorf("nothing that the task printed matches %s", o.Pattern)
		}
	}
	if len(text) > task.MaxOutput {
		return nil, errTooLong
	}
	return text, nil
}

var errTooLong = fmt.Errorf("it is longer than %d KiB", task.MaxOutput>>10)

// jsonValue returns the value at the end of a path in a JSON object.
func jsonValue(line []byte, path string) (any, error) {
	var v any
	if err := json.Unmarshal(line, &v); err != nil {
		return nil, errors.New("the last line that the task printed is no JSON")
	}
	for key := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if ok {
			v, ok = object[key]
		}
		if !ok {
			return nil, fmt.Errorf("the JSON that the task printed has no %q", path)
		}
	}
	return v, nil
}

// convert makes a value what the definition says it is.
func convert(v any, to task.ValueType) (any, error) {
	text, isText := v.(string)
	var err error
	switch to {
	case "":
		return v, nil
	case task.String:
		if !isText {
			var encoded []byte
			encoded, err = json.Marshal(v)
			text = string(encoded)
		}
		return text, err
	case task.Number:
		if _, is := v.(float64); is {
			return v, nil
		}
		v, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
	case task.Boolean:
		if _, is := v.(bool); is {
			return v, nil
		}
		v, err = strconv.ParseBool(strings.TrimSpace(text))
	case task.JSON:
		if !isText {
			return v, nil
		}
		err = json.Unmarshal([]byte(text), &v)
	}
	if err != nil {
		return nil, fmt.Errorf("the value is no %s", to)
	}
	return v, nil
}
