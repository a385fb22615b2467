package task

// MaxOutput is how long the text of an output may be, in bytes.
const MaxOutput = 64 << 10

// OutputDefinition says where a value that a task hands to later ones is found: in a file, in a
// JSON object that is the last line it printed, or in what matches a regular expression in what
// it printed. Exactly one of File, JSON, Pattern and Own is set.
type OutputDefinition struct {
	Name string
	// File is a path where the task ran.
	File string
	// JSON is the way to a value of the object: keys with dots between them.
	JSON string
	// Pattern is a regular expression (RE2); the last match counts, its first group if it has one.
	Pattern string
	// FromExecutor values are told by the executor itself; one that it does not tell is null.
	FromExecutor bool
	// Type is what the value is to be; empty means a string, or what it is in JSON.
	Type ValueType
	// Secret values are shown nowhere.
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

// Read is another task's result that a task's expressions refer to.
type Read struct {
	Task string
	// Output is the output of that name; empty for anything else of the result.
	Output string
}

// Deferred fills in what is known only when a task's turn comes, such as outputs of others.
type Deferred interface {
	// Resolve returns what to run or, when the task is not to be run, why.
	Resolve(values Values) (executor Executor, skip string, err error)
}

// Values are what is known of a run while it goes on.
type Values struct {
	// Run is how the run would end if it ended now.
	Run State
	// Tasks are those that the task Reads, by name. One that has no place in the run, or whose
	// turn did not come, is NotRun.
	Tasks map[string]Outcome
}

// Outcome is the end of a task as other tasks see it.
type Outcome struct {
	State    State
	ExitCode *int
	Outputs  map[string]Value
}
