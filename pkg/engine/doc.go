// Package engine runs a plan: it starts each step when the steps that it needs have succeeded, and reports progress as events.
package engine
