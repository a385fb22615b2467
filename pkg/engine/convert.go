package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// jsonValue returns the value at a path in a JSON object.
func jsonValue(line []byte, path string) (any, error) {
	var v any
	if err := json.Unmarshal(line, &v); err != nil {
		return nil, errors.New("the last line of the task's output is not JSON")
	}
	for key := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if ok {
			v, ok = object[key]
		}
		if !ok {
			return nil, fmt.Errorf("the JSON of the task's output has no field %q", path)
		}
	}
	return v, nil
}

// convert converts a value to the type of its definition.
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
		return nil, fmt.Errorf("the value is not of type %s", to)
	}
	return v, nil
}
