package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Interrupted describes a change that an earlier process started.
type Interrupted struct {
	// Operation is the one that was carried out: of an upgrade with --install it can be an install.
	Operation task.Operation
	// Revision is the number of the revision that it was to create, Target of the one that a rollback restores.
	Revision, Target int
	// Applied reports that Helm's part had started. Otherwise a revision of that number is not from this change.
	Applied bool
}

// deployed reports whether the revision that was to be created is the newest one and deployed.
func (i *Interrupted) deployed(last *helmrelease.Release) bool {
	return i != nil && i.Applied && last != nil && last.Version == i.Revision && last.Info.Status == helmrelease.StatusDeployed
}

// The names of the inputs of changes.
const (
	inputChart  = "the chart"
	inputValues = "the values"
	inputTarget = "the revision to go back to"
)

// InputNames returns the names that the inputs of changes can have.
func InputNames() []string { return []string{inputChart, inputValues, inputTarget} }

// Inputs returns the digests of the chart and of the values that the user gave.
func (i *Install) Inputs() map[string]string { return i.chart.inputs() }

// Inputs returns the digests of the chart and of the values that the user gave.
func (u *Upgrade) Inputs() map[string]string { return u.chart.inputs() }

// Inputs names the revision that is restored.
func (r *Rollback) Inputs() map[string]string {
	return map[string]string{inputTarget: fmt.Sprint(revision(r.target))}
}

func (c *chartSource) inputs() map[string]string {
	values, err := json.Marshal(c.merged)
	if err != nil {
		values = []byte(err.Error())
	}
	sum := sha256.New()
	var add func(*chart.Chart)
	add = func(c *chart.Chart) {
		for _, f := range c.Raw {
			fmt.Fprintf(sum, "%s %d\n%s\n", f.Name, len(f.Data), f.Data)
		}
		for _, d := range c.Dependencies() {
			add(d)
		}
	}
	if c.located != nil {
		add(c.located)
	}
	ofValues := sha256.Sum256(values)
	return map[string]string{inputChart: short(sum.Sum(nil)), inputValues: short(ofValues[:])}
}

// changed reports whether the newest revision of a release is another one than before.
func (h *Helm) changed(name string, before *helmrelease.Release) (bool, error) {
	now, err := h.find(name)
	if err != nil {
		return false, err
	}
	if now == nil || before == nil {
		return now != before, nil
	}
	return now.Version != before.Version || now.Info.Status != before.Info.Status || !now.Info.LastDeployed.Equal(before.Info.LastDeployed), nil
}

// short is enough of a digest to tell two texts apart.
func short(sum []byte) string { return hex.EncodeToString(sum[:8]) }
