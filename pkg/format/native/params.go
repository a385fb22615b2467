package native

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
)

// validParam matches names of parameters, which are identifiers in expressions.
var validParam = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// params checks the parameters that a document declares, and adds their values to the facts: the values that the
// user gave, else the defaults.
func (p *parser) params(declared []Param, n *yaml.Node) {
	facts := p.options.Facts
	facts.Params = maps.Clone(facts.Params)
	if facts.Params == nil {
		facts.Params = map[string]string{}
	}
	for i, param := range declared {
		fail := func(key, format string, args ...any) {
			p.fail(strict.At(valueAt(n.Content[i], key), format, args...), "")
		}
		if !validParam.MatchString(param.Name) {
			fail("name", "parameter %q: a name has letters, digits and underscores, and does not start with a digit", param.Name)
			continue
		}
		if p.declared[param.Name] {
			fail("name", "parameter %q is declared twice", param.Name)
		}
		p.declared[param.Name] = true
		value, given := p.options.Facts.Params[param.Name]
		switch {
		case given:
		case param.Default != nil:
			value = *param.Default
		case param.Required && !p.options.Lenient:
			fail("name", "parameter %q has no value; give it with --param %s=VALUE", param.Name, param.Name)
		}
		if len(param.Enum) > 0 && (given || param.Default != nil) && !slices.Contains(param.Enum, value) {
			fail("enum", "parameter %q is %q; it must be one of %s", param.Name, value, strings.Join(param.Enum, ", "))
		}
		facts.Params[param.Name] = value
	}
	p.facts = facts
}

// Parameters returns the sorted names of the parameters that a text declares, as far as it can be read.
func Parameters(text []byte) []string {
	p := newParser(Options{Lenient: true})
	p.parse(text)
	return slices.Sorted(maps.Keys(p.declared))
}
