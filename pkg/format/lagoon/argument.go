package lagoon

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// argument is an argument of a definition.
type argument struct {
	Name         string      `json:"name"`
	Type         string      `json:"type"`
	DisplayName  string      `json:"displayName"`
	DefaultValue *string     `json:"defaultValue"`
	Optional     looseString `json:"optional"`
}

// The types of arguments.
const (
	stringType       = "STRING"
	numericType      = "NUMERIC"
	environmentType1 = "ENVIRONMENT_SOURCE_NAME"
	environmentType2 = "ENVIRONMENT_SOURCE_NAME_EXCLUDE_SELF"
)

var (
	argumentTypes = []string{stringType, numericType, environmentType1, environmentType2}
	// numeric matches numbers, as Lagoon checks them.
	numeric = regexp.MustCompile(`^[0-9.]+$`)
	// shellName matches names that a shell can assign to.
	shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// argumentValue is an argument with its value.
type argumentValue struct{ name, value string }

// arguments returns the values of a definition's arguments: those of the user, else the defaults. It returns false
// after a finding.
func (p *parser) arguments(d definition, at task.Position) ([]argumentValue, bool) {
	before := p.failures()
	var values []argumentValue
	for _, a := range d.AdvancedTaskDefinition {
		if !slices.Contains(argumentTypes, a.Type) {
			p.fail(at, d.Name, "", "argument %q of definition %q is of type %q; the types are %s", a.Name, d.Name, a.Type, strings.Join(argumentTypes, ", "))
			continue
		}
		if d.Type == "COMMAND" && !shellName.MatchString(a.Name) {
			p.fail(at, d.Name, "", "argument %q of definition %q is not the name of a shell variable", a.Name, d.Name)
			continue
		}
		value, ok := p.opts.Arguments[a.Name]
		if !ok && a.DefaultValue != nil && *a.DefaultValue != "" {
			value, ok = *a.DefaultValue, true
		}
		switch {
		case !ok && p.opts.Lenient:
			continue
		case !ok && !a.Optional.yes():
			p.fail(at, d.Name, fmt.Sprintf("add --param %s=…", a.Name), "definition %q needs the argument %s%s", d.Name, a.Name, displayName(a))
			continue
		case !ok:
			continue
		case a.Type == numericType && !numeric.MatchString(value):
			p.fail(at, d.Name, "", "argument %s of definition %q is %q, which is not a number", a.Name, d.Name, value)
			continue
		case strings.ContainsRune(value, 0):
			p.fail(at, d.Name, "", "argument %s of definition %q has a NUL character", a.Name, d.Name)
			continue
		case a.Type == environmentType1 || a.Type == environmentType2:
			p.warn(at, d.Name, "", "argument type %s needs the Lagoon API; the value %q of %s is accepted unchecked", a.Type, value, a.Name)
		}
		values = append(values, argumentValue{a.Name, value})
	}
	return values, p.failures() == before
}

// displayName returns the display name of an argument in parentheses; empty when it is the name.
func displayName(a argument) string {
	if a.DisplayName == "" || a.DisplayName == a.Name {
		return ""
	}
	return " (" + a.DisplayName + ")"
}

// assignments returns assignments of the arguments to shell variables, which are not exported. The shell does not
// interpret the values.
func assignments(values []argumentValue) string {
	if len(values) == 0 {
		return ""
	}
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = v.name + "=" + Quote(v.value)
	}
	return strings.Join(parts, " ") + "; "
}

// Quote returns a text as a word of a POSIX shell.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
