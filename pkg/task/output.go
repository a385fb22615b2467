package task

// MaxOutput is the maximum length of an output, in bytes.
const MaxOutput = 64 << 10

// OutputDefinition says where the value of an output is found: in a file, in a JSON object that is the last line that the
// task prints, in what a regular expression matches in its output, or in the executor's result. Exactly one of File, JSON,
// Pattern and FromExecutor is set.
type OutputDefinition struct {
	Name string
	// File is a path where the task runs.
	File string
	// JSON is the path to a value of the object: keys separated by dots.
	JSON string
	// Pattern is a regular expression (RE2). The last match counts, or its first group if there is one.
	Pattern string
	// FromExecutor means that the executor returns the value; a value that it does not return is null.
	FromExecutor bool
	// Type is the type of the value; empty means a string, or the type that it has in JSON.
	Type ValueType
	// Secret values are never shown.
	Secret bool
}

// ValueType is the type of an output.
type ValueType string

// The types of outputs.
const (
	String  ValueType = "string"
	Number  ValueType = "number"
	Boolean ValueType = "boolean"
	// JSON is text that is parsed.
	JSON ValueType = "json"
)

// Value is an output: a string, float64, bool, nil, []any or map[string]any.
type Value struct {
	Value  any
	Secret bool
}

// Files returns the paths of the files that hold outputs.
func (t Task) Files() []string {
	var paths []string
	for _, o := range t.Outputs {
		if o.File != "" {
			paths = append(paths, o.File)
		}
	}
	return paths
}
