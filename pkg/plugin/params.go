package plugin

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

// parameters returns the parameters of --params-file and --param; nil without any.
func (t *taskFlags) parameters() (map[string]string, error) {
	given := map[string]string{}
	if t.paramsFile != "" {
		text, err := os.ReadFile(t.paramsFile)
		if err != nil {
			return nil, err
		}
		if err := yaml.UnmarshalStrict(text, &given); err != nil {
			return nil, fmt.Errorf("%s: write each parameter as NAME: VALUE, with a string as the value: %w", t.paramsFile, err)
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
	return given, nil
}
