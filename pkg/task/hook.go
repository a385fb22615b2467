package task

import (
	"fmt"
	"strings"
)

// Hook is a hook of a chart: an object that Helm creates at an event.
type Hook struct {
	// Object is KIND/NAME.
	Object string
	// Weight is its place among the hooks of its event.
	Weight int
	// RunsToCompletion reports that it is a Job or a Pod. The hook ends when these end; other hooks end when they are
	// created.
	RunsToCompletion bool
}

// NewHook returns the hook for an object of this kind and name.
func NewHook(kind, name string, weight int) Hook {
	return Hook{Object: strings.ToLower(kind) + "/" + name, Weight: weight, RunsToCompletion: kind == "Job" || kind == "Pod"}
}

// Kind returns "hook".
func (Hook) Kind() string { return "hook" }

// Argv returns the object. Its command is in the chart.
func (h Hook) Argv() []string { return []string{h.Object} }

// Text returns the weight.
func (h Hook) Text() string { return fmt.Sprintf("weight %d", h.Weight) }

func (Hook) executor() {}
