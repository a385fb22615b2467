package pod

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Identity tells which attempt of which run an object of the cluster was made for. The same attempt
// always gives the same name, so that whoever goes on with it finds what is there, and nothing is
// made twice.
type Identity struct {
	// Run and Step are their IDs.
	Run, Step string
	// Attempt counts from 1.
	Attempt int
}

// RunLabel is the label with the ID of the run that an object was made for.
const RunLabel = "kubectl-tasks.io/run"

// Token names the program of an exec task in a pod.
func (i Identity) Token(pod string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s", i.Run, i.Step, i.Attempt, pod))
	return fmt.Sprintf("kubectl-tasks-%x", sum[:8])
}

// suffix is how long what follows the task's name in an object's is; Kubernetes' own are as long.
const suffix = 5

// Name returns the name of the object of a task.
func (i Identity) Name(t task.Task) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", i.Run, i.Step, i.Attempt))
	return task.Slug(t.Name) + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:suffix])
}
