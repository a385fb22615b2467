package lagoon

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	kyaml "sigs.k8s.io/yaml"
)

// ReadVariables returns the variables of a file of --var-file: YAML or JSON when its name has that
// extension, else lines NAME=VALUE. Errors start with the file's name.
func ReadVariables(name string, text []byte) (map[string]string, error) {
	variables := map[string]string{}
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		if err := kyaml.UnmarshalStrict(text, &variables); err != nil {
			return nil, fmt.Errorf("%s: variables are NAME: VALUE, each value a string: %w", name, err)
		}
		return variables, nil
	}
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if trimmed := bytes.TrimSpace(line); len(trimmed) == 0 || trimmed[0] == '#' {
			continue
		}
		variable, value, ok := strings.Cut(strings.TrimLeft(string(line), " \t"), "=")
		if !ok || variable == "" {
			return nil, fmt.Errorf("%s:%d: this is not a variable; write NAME=VALUE", name, number)
		}
		variables[variable] = value
	}
	return variables, nil
}
