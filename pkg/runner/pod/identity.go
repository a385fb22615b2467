package pod

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Identity identifies the attempt for which an object of the cluster is created. An attempt always has the same object
// name, so that a process that reattaches finds the object, and none is created twice.
type Identity struct {
	// Run and Step are their IDs.
	Run, Step string
	// Attempt counts from 1.
	Attempt int
}

// RunLabel is the label with the ID of the run for which an object was created.
const RunLabel = "kubectl-tasks.io/run"

// Token returns a name for the program of an exec task in a pod.
func (i Identity) Token(pod string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s", i.Run, i.Step, i.Attempt, pod))
	return fmt.Sprintf("kubectl-tasks-%x", sum[:8])
}

// suffix is the length of the suffix of an object's name, as that of Kubernetes' generateName.
const suffix = 5

// Name returns the name of the object of a task.
func (i Identity) Name(t task.Task) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", i.Run, i.Step, i.Attempt))
	return task.Slug(t.Name) + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:suffix])
}
