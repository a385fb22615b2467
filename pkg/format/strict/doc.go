// Package strict decodes YAML and returns all unknown keys and wrong values with their positions.
package strict
