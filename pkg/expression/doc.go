// Package expression evaluates the CEL expressions of task files: conditions, and values in texts.
package expression
