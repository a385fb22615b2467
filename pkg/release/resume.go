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

// Begun is what is known of a change that an earlier process had begun.
type Begun struct {
	// Operation is what it was: an upgrade with --install may have been an install.
	Operation task.Operation
	// Revision is the number of the revision that it was going to make, Target that of the one that a
	// rollback goes back to.
	Revision, Target int
	// Applied reports that Helm's part had begun: otherwise a revision of that number is of somebody else.
	Applied bool
}

// made reports whether the revision that was going to be made is there and deployed.
func (b *Begun) made(last *helmrelease.Release) bool {
	return b != nil && b.Applied && last != nil && last.Version == b.Revision && last.Info.Status == helmrelease.StatusDeployed
}

// Resume has the change go on with what an earlier process had begun. It is called before Prepare.
func (i *Install) Resume(b Begun) { i.begun = &b }

// Resume has the change go on with what an earlier process had begun. It is called before Prepare.
func (u *Upgrade) Resume(b Begun) { u.begun = &b }

// Resume has the change go on with what an earlier process had begun. It is called before Prepare.
func (r *Rollback) Resume(b Begun) { r.begun, r.client.Version = &b, b.Target }

// Resume has the change go on with what an earlier process had begun. It is called before Prepare.
func (u *Uninstall) Resume(b Begun) { u.begun = &b }

// Done reports, after Prepare, that an earlier process has made the change to its end.
func (i *Install) Done() bool { return i.begun != nil && i.release != nil }

// Done reports, after Prepare, that an earlier process has made the change to its end.
func (u *Upgrade) Done() bool {
	if u.instead != nil {
		return u.instead.Done()
	}
	return u.begun != nil && u.release != nil
}

// Done reports, after Prepare, that an earlier process has made the change to its end.
func (r *Rollback) Done() bool { return r.begun != nil && r.done }

// Done reports, after Prepare, that an earlier process has made the change to its end.
func (u *Uninstall) Done() bool { return u.begun != nil && u.done }

// What changes are made from.
const (
	inputChart  = "the chart"
	inputValues = "the values"
	inputTarget = "the revision to go back to"
)

// InputNames are the names of what Inputs returns the digests of.
func InputNames() []string { return []string{inputChart, inputValues, inputTarget} }

// Inputs are the digests of the chart and of the values that the user gave.
func (i *Install) Inputs() map[string]string { return i.chart.inputs() }

// Inputs are the digests of the chart and of the values that the user gave.
func (u *Upgrade) Inputs() map[string]string {
	if u.instead != nil {
		return u.instead.Inputs()
	}
	return u.chart.inputs()
}

// Inputs name the revision that is gone back to.
func (r *Rollback) Inputs() map[string]string {
	return map[string]string{inputTarget: fmt.Sprint(r.Target())}
}

// Inputs are none.
func (u *Uninstall) Inputs() map[string]string { return map[string]string{} }

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

// Stale reports whether the release has changed since Prepare.
func (i *Install) Stale() (bool, error) { return i.helm.changed(i.client.ReleaseName, i.last) }

// Stale reports whether the release has changed since Prepare.
func (u *Upgrade) Stale() (bool, error) {
	if u.instead != nil {
		return u.instead.Stale()
	}
	if u.Done() {
		return false, nil
	}
	return u.helm.changed(u.name, u.last)
}

// Stale reports whether the release has changed since Prepare.
func (r *Rollback) Stale() (bool, error) { return r.helm.changed(r.name, r.last) }

// Stale reports whether the release has changed since Prepare.
func (u *Uninstall) Stale() (bool, error) { return u.helm.changed(u.name, u.last) }

// CreatesNamespace is --create-namespace.
func (i *Install) CreatesNamespace() bool { return i.client.CreateNamespace }

// CreatesNamespace is --create-namespace, when the upgrade is an install.
func (u *Upgrade) CreatesNamespace() bool { return u.instead != nil && u.instead.CreatesNamespace() }

// CreatesNamespace is false.
func (r *Rollback) CreatesNamespace() bool { return false }

// CreatesNamespace is false.
func (u *Uninstall) CreatesNamespace() bool { return false }

// MaxHistory is Helm's own default.
func (i *Install) MaxHistory() int { return i.helm.Settings.env.MaxHistory }

// MaxHistory is --history-max.
func (u *Upgrade) MaxHistory() int { return u.client.MaxHistory }

// MaxHistory is --history-max.
func (r *Rollback) MaxHistory() int { return r.client.MaxHistory }

// MaxHistory is Helm's own default.
func (u *Uninstall) MaxHistory() int { return u.helm.Settings.env.MaxHistory }

// changed reports whether the newest revision of a release is another one than before.
func (h *Helm) changed(name string, before *helmrelease.Release) (bool, error) {
	now, err := h.exists(name)
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
