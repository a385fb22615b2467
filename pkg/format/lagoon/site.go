package lagoon

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"
)

// environmentVariables say what Lagoon puts into its variables. Their values may be texts; what is not
// said leaves alone what was (build-deploy-tool internal/lagoon/lagoon.go).
type environmentVariables struct{ gitSHA bool }

// UnmarshalJSON sets what is said. It returns no error: what is no boolean is a finding of shape.
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

// siteName is the project, by whose name a file for several sites has a part; "" when none is known.
func (p *parser) siteName() string {
	of, _ := p.lookup(project)
	return of.Value
}

// site returns the project's own part of a file for several sites; nil when there is none.
func (p *parser) site(top map[string]any) map[string]any {
	site, _ := top[p.siteName()].(map[string]any)
	return site
}

// read returns a file with the site's part decoded over it, as Lagoon does it, step by step
// (build-deploy-tool internal/lagoon/lagoon.go, UnmarshalLagoonYAML): a list replaces the list of the
// same name, and a task keeps the fields of the one in its place that it does not set itself.
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

// lists returns the node of the list that counts, and the one that it replaces; each may be nil.
func (s shape) lists(of section) (list, replaced *yaml.Node) {
	for _, part := range s.parts {
		if n := value(value(part, "tasks"), of.name); n != nil {
			list, replaced = resolved(n), list
		}
	}
	return list, replaced
}

// warnKept says which fields a task has of the one in whose place it stands.
func (s shape) warnKept(one step, own, other *yaml.Node) {
	var has, had struct{ Run map[string]any }
	if own.Decode(&has) != nil || other.Decode(&had) != nil {
		return
	}
	var kept []string
	for _, field := range fieldNames() {
		if sets(had.Run, field) && !sets(has.Run, field) {
			kept = append(kept, field)
		}
	}
	if len(kept) > 0 {
		s.p.warn(one.position, "", "set it here too", "%s of task %q is that of the task at %s, in whose place it stands, as in Lagoon", strings.Join(kept, ", "), one.Name, s.at(other))
	}
}

// sets reports whether a field of a task has a value. The case does not count.
func sets(run map[string]any, field string) bool {
	for key, value := range run {
		if strings.EqualFold(key, field) && value != nil && value != "" {
			return true
		}
	}
	return false
}

// exactly returns the value of a key, written as it is; the last one counts.
func exactly(mapping *yaml.Node, key string) *yaml.Node {
	var found *yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			found = resolved(mapping.Content[i+1])
		}
	}
	return found
}

// readable returns the top-level blocks of a text that are YAML, each in its place. It returns false when
// there are no tasks in them, or when those of the project's own part may be in one that is not.
func (p *parser) readable(text string) (string, bool) {
	var kept strings.Builder
	broken := map[string]bool{}
	for _, b := range blocks(text) {
		if kyaml.Unmarshal([]byte(b), &map[string]any{}) != nil {
			key, _, _ := strings.Cut(b, ":")
			broken[strings.Trim(key, `"' `)] = true
			b = strings.Repeat("\n", strings.Count(b, "\n"))
		}
		kept.WriteString(b)
	}
	var rest map[string]any
	if kyaml.Unmarshal([]byte(kept.String()), &rest) != nil {
		return "", false
	}
	if name, ok := rest["project"].(string); ok && p.project == "" {
		p.project = name
	}
	_, tasks := rest["tasks"]
	return kept.String(), (tasks || p.site(rest) != nil) && !broken["tasks"] && !broken[p.siteName()]
}

// blocks cuts a text before each top-level key.
func blocks(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if len(all) == 0 || !strings.ContainsAny(line[:1], " \t#\r\n-]}") {
			all = append(all, "")
		}
		all[len(all)-1] += line
	}
	return all
}
