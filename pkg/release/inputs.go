package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"helm.sh/helm/v3/pkg/chart"
)

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

// inputs returns the digests of the chart, with its dependencies, and of the user's values.
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
	valuesSum := sha256.Sum256(values)
	return map[string]string{inputChart: short(sum.Sum(nil)), inputValues: short(valuesSum[:])}
}

// short returns the first 8 bytes of a digest in hexadecimal, which is enough to compare two texts.
func short(sum []byte) string { return hex.EncodeToString(sum[:8]) }
