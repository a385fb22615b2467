// Package differential makes random sequences of Helm's commands and of what others do to the objects meanwhile, to be
// carried out by helm and by this program and compared. A sequence is a pure function of its seed.
package differential

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Sequence is what is done in each of the two namespaces.
type Sequence struct {
	Seed   uint64
	Charts []Chart
	// Inputs are the files that flags name, next to the charts.
	Inputs map[string]string
	Steps  []Step
}

// Step is one command, or one foreign change.
type Step struct {
	// Command is the command's name and its arguments, Flags its flags, each with its value. $DIR stands for the
	// directory of Files.
	Command []string
	Flags   []string
	// Foreign is what another does; nil for a command.
	Foreign *Foreign
}

// Foreign is a change by another than Helm.
type Foreign struct {
	Verb Verb
	// Kind and Name are those of the object.
	Kind, Name string
	// Value is what it gets.
	Value string
	// From and To are the revisions that Age writes, after the newest.
	From, To int
}

// Verb is what another does.
type Verb string

// The foreign changes.
const (
	// Edit patches the object, or does nothing when there is none; Apply does so as another field manager, which then
	// owns the field.
	Edit  Verb = "edit"
	Apply Verb = "apply"
	// Delete deletes it.
	Delete Verb = "delete"
	// Create makes it, unless it is there; Own makes it, or marks it, as that of another release.
	Create Verb = "create"
	Own    Verb = "own"
	// Age writes older revisions into the release's history.
	Age Verb = "age"
	// Pend has the newest revision look as if its helm had died.
	Pend Verb = "pend"
)

// Verbs are all of them.
func Verbs() []Verb { return []Verb{Edit, Apply, Delete, Create, Own, Age, Pend} }

// Args are the arguments of the command, with dir instead of $DIR.
func (s Step) Args(dir string) []string {
	all := slices.Concat(s.Command, s.Flags)
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], "$DIR", dir)
	}
	return all
}

// Is reports whether the step is that command.
func (s Step) Is(command string) bool { return len(s.Command) > 0 && s.Command[0] == command }

// Has reports whether the step has the flag, with a value or without.
func (s Step) Has(flag string) bool {
	return slices.ContainsFunc(s.Flags, func(f string) bool { return f == flag || strings.HasPrefix(f, flag+"=") })
}

// String is the step as a line for a shell, or a comment that says what another does.
func (s Step) String() string {
	if s.Foreign == nil {
		words := s.Args("$DIR")
		for i, w := range words {
			if strings.ContainsAny(w, " \"'{}[]()*!\\,") {
				words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
			}
		}
		return "helm " + strings.Join(words, " ")
	}
	f := s.Foreign
	switch f.Verb {
	case Age:
		return fmt.Sprintf("# revisions %d to %d are written into the history, each like the newest with another age", f.From, f.To)
	case Pend:
		return "# the newest revision is marked pending-upgrade"
	case Edit, Apply, Delete, Create, Own:
	}
	return fmt.Sprintf("# another: %s %s/%s %s", f.Verb, strings.ToLower(f.Kind), f.Name, f.Value)
}

// Files returns all files, charts and inputs, by their path below $DIR.
func (s Sequence) Files() map[string]string {
	files := maps.Clone(s.Inputs)
	if files == nil {
		files = map[string]string{}
	}
	for i, c := range s.Charts {
		for name, text := range c.Files() {
			files[path.Join(chartName(i), name)] = text
		}
	}
	return files
}

func chartName(i int) string { return fmt.Sprintf("chart-%d", i+1) }

// String is the sequence as commands, after the files that they use.
func (s Sequence) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\n", s.Seed)
	used := func(name string) bool {
		dir, _, _ := strings.Cut(name, "/")
		return slices.ContainsFunc(s.Steps, func(step Step) bool { return strings.Contains(strings.Join(step.Args("$DIR"), " "), "$DIR/"+dir) })
	}
	files := s.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if used(name) {
			fmt.Fprintf(&b, "-- %s --\n%s", name, files[name])
		}
	}
	for i, step := range s.Steps {
		fmt.Fprintf(&b, "%2d %s\n", i+1, step)
	}
	return b.String()
}

// Write writes the files of the sequence below a directory.
func (s Sequence) Write(dir string) error {
	for name, text := range s.Files() {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
