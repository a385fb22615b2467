package action

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
)

// digestOf returns a digest of a step. A step with another effect has another digest.
func digestOf(s plan.Step) string {
	about := []any{s.Kind, s.Object, s.Undoes}
	if s.Task != nil {
		about = append(about, s.Task.Executor.Kind(), s.Task.Executor.Text(), s.Task.Policy, s.Task.Once)
	}
	text, err := json.Marshal(about)
	if err != nil {
		text = []byte(err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// inputsOf returns the digests of the task documents in addition to others.
func inputsOf(set taskSet, others map[string]string) map[string]string {
	inputs := maps.Clone(others)
	if inputs == nil {
		inputs = map[string]string{}
	}
	for _, d := range set.Documents {
		sum := sha256.Sum256(d.Text)
		inputs[d.Name] = hex.EncodeToString(sum[:8])
	}
	return inputs
}
