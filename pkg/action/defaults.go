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
	// DefaultConcurrency is how many tasks run at the same time when the user does not say it.
	DefaultConcurrency = engine.DefaultConcurrency
	// DefaultGrace is how long a wait continues after a blocker when the user does not say it.
	DefaultGrace = ready.DefaultGrace
)

// RunnerImages returns the images that run functions: those that the user gave, by runtime, and the defaults of the
// others. The error is a UsageError.
func RunnerImages(given map[string]string) (map[task.Runtime]string, error) {
	images := maps.Clone(function.DefaultImages)
	for runtime, image := range given {
		if _, ok := function.DefaultImages[task.Runtime(runtime)]; !ok {
			return nil, UsageError{fmt.Errorf("--runner-image is for %q; write deno=IMAGE or python=IMAGE", runtime)}
		}
		images[task.Runtime(runtime)] = image
	}
	return images, nil
}
