package plugin

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
)

// givenParams returns the parameters of the command line. One that no document declares is an
// error: it was probably meant for another.
func (t *taskFlags) givenParams(documents []source.Document) (map[string]string, error) {
	given := map[string]string{}
	if t.paramsFile != "" {
		text, err := os.ReadFile(t.paramsFile)
		if err != nil {
			return nil, err
		}
		if err := yaml.UnmarshalStrict(text, &given); err != nil {
			return nil, fmt.Errorf("%s: parameters are NAME: VALUE, each value a string: %w", t.paramsFile, err)
		}
	}
	for _, p := range t.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--param is %q; write NAME=VALUE", p)
		}
		given[name] = value
	}
	if len(given) == 0 {
		return nil, nil
	}
	var texts [][]byte
	asked := map[string]bool{}
	for _, d := range documents {
		switch d.Format {
		case "native":
			texts = append(texts, d.Text)
		case "lagoon":
			for _, name := range lagoon.Parameters(d.Text) {
				asked[name] = true
			}
		}
	}
	unknown := slices.DeleteFunc(native.Undeclared(given, texts...), func(name string) bool { return asked[name] })
	if len(unknown) > 0 {
		return nil, fmt.Errorf("no task document has the parameter %s", strings.Join(unknown, ", "))
	}
	return given, nil
}
