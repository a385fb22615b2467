package lagoon

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"
)

// environmentVariables are the settings for Lagoon's variables. Values may be strings, and a missing value keeps the
// previous one (build-deploy-tool internal/lagoon/lagoon.go).
type environmentVariables struct{ gitSHA bool }

// UnmarshalJSON sets the given values. It returns no error: checker reports a value that is not a boolean.
func (e *environmentVariables) UnmarshalJSON(text []byte) error {
	var said struct {
		GitSHA any `json:"git_sha"`
	}
	if json.Unmarshal(text, &said) != nil {
		return nil
	}
	switch value := said.GitSHA.(type) {
	case bool:
		e.gitSHA = value
	case string:
		if set, err := strconv.ParseBool(value); err == nil {
			e.gitSHA = set
		}
	}
	return nil
}

func parsesAsBool(text string) bool {
	_, err := strconv.ParseBool(text)
	return err == nil
}

// siteName returns the project, which is the key of its part in a file for several sites; "" when it is unknown.
func (p *parser) siteName() string {
	of, _ := p.lookup(project)
	return of.Value
}

// site returns the part of the project in a file for several sites; nil when there is none.
func (p *parser) site(top map[string]any) map[string]any {
	site, _ := top[p.siteName()].(map[string]any)
	return site
}

// read decodes a file, and then the part of the site over it, as Lagoon does (build-deploy-tool
// internal/lagoon/lagoon.go, UnmarshalLagoonYAML): a list replaces the list of the same name, and a task inherits
// the fields that it does not set from the task at the same index.
func read(text []byte, site map[string]any) (file, error) {
	var f file
	if err := kyaml.Unmarshal(text, &f); err != nil || site == nil {
		return f, err
	}
	part, err := kyaml.Marshal(site)
	if err != nil {
		return f, err
	}
	return f, kyaml.Unmarshal(part, &f)
}

// lists returns the node of the effective list and of the list that it replaces. Each may be nil.
func (s checker) lists(of section) (list, replaced *yaml.Node) {
	for _, part := range s.parts {
		if n := value(value(part, "tasks"), of.name); n != nil {
			list, replaced = resolved(n), list
		}
	}
	return list, replaced
}

// warnInherited warns about fields that a task inherits from the task that it replaces.
func (s checker) warnInherited(one step, own, other *yaml.Node) {
	var has, had struct{ Run map[string]any }
	if own.Decode(&has) != nil || other.Decode(&had) != nil {
		return
	}
	var inherited []string
	for _, field := range fieldNames() {
		if isSet(had.Run, field) && !isSet(has.Run, field) {
			inherited = append(inherited, field)
		}
	}
	if len(inherited) > 0 {
		s.p.warn(one.position, "", "set it here too", "task %[2]q replaces the task at %[3]s and keeps its %[1]s, as in Lagoon", strings.Join(inherited, ", "), one.Name, s.at(other))
	}
}

// isSet reports whether a field of a task has a value. Case does not matter.
func isSet(run map[string]any, field string) bool {
	for key, value := range run {
		if strings.EqualFold(key, field) && value != nil && value != "" {
			return true
		}
	}
	return false
}
