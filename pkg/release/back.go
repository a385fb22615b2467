package release

import (
	"errors"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
)

// errNoRollback is for changes that are not taken back.
var errNoRollback = errors.New("only an install or an upgrade can be rolled back")

// RollBack uninstalls the release, as helm install --atomic does.
func (i *Install) RollBack() (string, error) {
	if i.client.Atomic && i.failed {
		return byAtomic("uninstalled", i.release, i.notBack)
	}
	return i.rollBack()
}

// byAtomic returns what --atomic has done: nothing when no revision was made, or the error when it could not.
func byAtomic(what string, made *helmrelease.Release, err error) (string, error) {
	if made == nil || err != nil {
		return "", err
	}
	return what + " by --atomic", nil
}

func (i *Install) rollBack() (string, error) {
	c := action.NewUninstall(i.helm.config)
	c.Timeout, c.DisableHooks, c.Wait = i.client.Timeout, i.client.DisableHooks, i.client.Wait
	i.failed = true
	_, err := i.helm.uninstall(c, i.client.ReleaseName, i.release)
	if i.begun != nil && isNotFound(err) {
		return "uninstalled", nil // by the process that had begun
	}
	if err != nil {
		return "", fmt.Errorf("uninstalling release %q: %w", i.client.ReleaseName, err)
	}
	return "uninstalled", nil
}

// RollBack goes back to the newest revision that was deployed before, as helm upgrade --atomic does.
func (u *Upgrade) RollBack() (string, error) {
	if u.instead != nil {
		return u.instead.RollBack()
	}
	if u.client.Atomic && u.failed {
		return byAtomic("rolled back", u.release, u.notBack)
	}
	return u.rollBack()
}

func (u *Upgrade) rollBack() (string, error) {
	u.failed = true
	all, err := u.helm.config.Releases.History(u.name)
	if err != nil {
		return "", fmt.Errorf("release %q: %w", u.name, err)
	}
	releaseutil.Reverse(all, releaseutil.SortByRevision)
	target, newest := 0, u.last.Version
	if u.begun != nil {
		newest = min(newest, u.begun.Revision-1)
	}
	for _, r := range all {
		if r.Version <= newest && (r.Info.Status == helmrelease.StatusSuperseded || r.Info.Status == helmrelease.StatusDeployed) {
			target = r.Version
			break
		}
	}
	if target == 0 {
		return "", fmt.Errorf("release %q has no revision that was deployed before", u.name)
	}
	c := action.NewRollback(u.helm.config)
	// As Helm's action.Upgrade.failRelease has it: the history is not made shorter, for what it lacks then cannot be
	// gone back to, and what the rollback makes stays when it fails.
	c.Version, c.Timeout, c.DisableHooks, c.Recreate = target, u.client.Timeout, u.client.DisableHooks, u.client.Recreate
	c.Wait, c.WaitForJobs, c.Force = true, u.client.WaitForJobs, u.client.Force
	if err := u.helm.rollBack(c, u.name); err != nil {
		return "", fmt.Errorf("rolling release %q back to revision %d: %w", u.name, target, err)
	}
	return fmt.Sprintf("rolled back to revision %d", target), nil
}

// RollBack is an error.
func (r *Rollback) RollBack() (string, error) { return "", errNoRollback }

// RollBack is an error.
func (u *Uninstall) RollBack() (string, error) { return "", errNoRollback }

// RollsBack is --atomic.
func (i *Install) RollsBack() bool { return i.client.Atomic }

// RollsBack is --atomic.
func (u *Upgrade) RollsBack() bool { return u.client.Atomic }

// RollsBack is false.
func (r *Rollback) RollsBack() bool { return false }

// RollsBack is false.
func (u *Uninstall) RollsBack() bool { return false }

// NextRevision is 1, or one more than that of the release that --replace replaces.
func (i *Install) NextRevision() int { return revision(i.last) + 1 }

// NextRevision is one more than the newest.
func (u *Upgrade) NextRevision() int {
	if u.instead != nil {
		return u.instead.NextRevision()
	}
	return revision(u.last) + 1
}

// NextRevision is one more than the newest.
func (r *Rollback) NextRevision() int { return revision(r.last) + 1 }

// NextRevision is the newest.
func (u *Uninstall) NextRevision() int { return revision(u.last) }

// Target is the number of the revision that is gone back to.
func (r *Rollback) Target() int { return revision(r.target) }

// KeepsHistory reports whether the release's history stays.
func (u *Uninstall) KeepsHistory() bool { return u.client.KeepHistory }

// LastRevision returns the number of a release's newest revision, and its Life.
func (h *Helm) LastRevision(name string) (int, string, error) {
	rel, err := h.last(name)
	return revision(rel), life(rel), err
}

// Life tells the release from one of the same name that was there before.
func (i *Install) Life() string { return life(i.release) }

// Life is that of the release.
func (u *Upgrade) Life() string {
	if u.instead != nil {
		return u.instead.Life()
	}
	return life(u.last)
}

// Life is that of the release.
func (r *Rollback) Life() string { return life(r.last) }

// Life is that of the release.
func (u *Uninstall) Life() string { return life(u.last) }

// life is when the release was first deployed, which its later revisions keep.
func life(rel *helmrelease.Release) string {
	if rel == nil || rel.Info == nil || rel.Info.FirstDeployed.IsZero() {
		return ""
	}
	return rel.Info.FirstDeployed.UTC().Format(time.RFC3339Nano)
}
