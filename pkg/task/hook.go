package task

import (
	"fmt"
	"strings"
)

// Hook is a hook of a chart: an object of it that Helm makes at an event.
type Hook struct {
	// Object is KIND/NAME.
	Object string
	// Weight is its place among the hooks of its event.
	Weight int
	// RunsToCompletion reports that it is a Job or a Pod, whose end is the hook's. Others are done when they are made.
	RunsToCompletion bool
}

// NewHook returns the hook that an object of this kind and name is.
func NewHook(kind, name string, weight int) Hook {
	return Hook{Object: strings.ToLower(kind) + "/" + name, Weight: weight, RunsToCompletion: kind == "Job" || kind == "Pod"}
}

// Kind implements Executor.
func (Hook) Kind() string { return "hook" }

// Argv implements Executor; a hook's command is its object's.
func (h Hook) Argv() []string { return []string{h.Object} }

// Text implements Executor.
func (h Hook) Text() string { return fmt.Sprintf("weight %d", h.Weight) }

func (Hook) executor() {}
