package draft

import (
	"regexp"
	"strings"
)

// variable matches a reference to a variable, or an escaped one (spec draft.md § 1.2, step 2). ${NAME} and $1
// are not references.
var variable = regexp.MustCompile(`[\\$]?\$[A-Za-z_][A-Za-z0-9_]*`)

// split splits a command at each single space. Quotes and tabs have no meaning, and two spaces make an empty
// argument (spec draft.md § 1.2, step 1).
func split(command string) []string { return strings.Split(command, " ") }

// expand replaces $NAME by its value, which is empty when the variable is not set, and removes the first
// character of $$NAME and \$NAME. A value never becomes several arguments. The second result are the names
// that were looked up.
func expand(argument string, getenv func(string) (string, bool)) (string, []string) {
	var names []string
	expanded := variable.ReplaceAllStringFunc(argument, func(match string) string {
		if match[1] == '$' {
			return match[1:]
		}
		name := match[1:]
		names = append(names, name)
		if value, set := getenv(name); set {
			return value
		}
		return ""
	})
	return expanded, names
}
