package lagoon

import (
	"strings"

	kyaml "sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// yamlOf returns the text if it is YAML. When only blocks without tasks are invalid, it warns and returns the valid
// blocks at their lines: Lagoon itself rejects the whole file.
func (p *parser) yamlOf(text []byte, name string) ([]byte, bool) {
	_, err := kyaml.YAMLToJSON(text)
	if err == nil {
		return text, true
	}
	at := task.Position{File: name, Line: lineOf(err)}
	message := syntax(err)
	if rest, ok := p.readableBlocks(string(text)); ok {
		p.warn(at, "", "Lagoon refuses the whole file", "not YAML: %s; the tasks can still be read", message)
		return []byte(rest), true
	}
	p.fail(at, "", "", "not YAML: %s", message)
	return nil, false
}

// readableBlocks returns the top-level blocks of a text that are valid YAML, at their lines. It returns false when
// they have no tasks, or when an invalid block may have tasks.
func (p *parser) readableBlocks(text string) (string, bool) {
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

// blocks splits a text before each top-level key.
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
