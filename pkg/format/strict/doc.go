// Package strict decodes YAML more strictly than JSON: every key must be known, and every finding has its place.
package strict
