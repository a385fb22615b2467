package action

import (
	"fmt"
	"maps"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/function"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const (
	// DefaultConcurrency is the number of tasks that run at the same time by default.
	DefaultConcurrency = engine.DefaultConcurrency
	// DefaultGrace is the default time for which a wait continues after a blocker.
	DefaultGrace = ready.DefaultGrace
)

// RunnerImages returns the images that run functions: those that the user gave, by runtime, and the defaults of the
// others. The error is a UsageError.
func RunnerImages(given map[string]string) (map[task.Runtime]string, error) {
	images := maps.Clone(function.DefaultImages)
	for runtime, image := range given {
		if _, ok := function.DefaultImages[task.Runtime(runtime)]; !ok {
			return nil, UsageError{fmt.Errorf("--runner-image: unknown runtime %q; write deno=IMAGE or python=IMAGE", runtime)}
		}
		images[task.Runtime(runtime)] = image
	}
	return images, nil
}
