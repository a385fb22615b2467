package release

import (
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
)

// RollBack uninstalls the release, as helm install --atomic does. After a failed --atomic it returns what that did.
func (i *Install) RollBack() (string, error) {
	if i.client.Atomic && i.failed {
		return byAtomic("uninstalled", i.release, i.rollbackErr)
	}
	return i.rollBack()
}

// byAtomic describes what --atomic did: nothing if no revision was created. err is why it could not.
func byAtomic(what string, created *helmrelease.Release, err error) (string, error) {
	if created == nil || err != nil {
		return "", err
	}
	return what + " by --atomic", nil
}

func (i *Install) rollBack() (string, error) {
	c := action.NewUninstall(i.helm.config)
	c.Timeout, c.DisableHooks, c.Wait = i.client.Timeout, i.client.DisableHooks, i.client.Wait
	i.failed = true
	_, err := i.helm.uninstall(c, i.client.ReleaseName, i.release)
	if i.interrupted != nil && isNotFound(err) {
		return "uninstalled", nil // by the process that was interrupted
	}
	if err != nil {
		return "", fmt.Errorf("uninstalling release %q: %w", i.client.ReleaseName, err)
	}
	return "uninstalled", nil
}

// RollBack rolls back to the newest revision that was deployed before, as helm upgrade --atomic does. After a failed
// --atomic it returns what that did.
func (u *Upgrade) RollBack() (string, error) {
	if u.client.Atomic && u.failed {
		return byAtomic("rolled back", u.release, u.rollbackErr)
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
	if u.interrupted != nil {
		newest = min(newest, u.interrupted.Revision-1)
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
	// As in Helm's action.Upgrade.failRelease: MaxHistory is not set, because a revision that it removes cannot be
	// rolled back to, and neither is CleanupOnFail.
	c.Version, c.Timeout, c.DisableHooks, c.Recreate = target, u.client.Timeout, u.client.DisableHooks, u.client.Recreate
	c.Wait, c.WaitForJobs, c.Force = true, u.client.WaitForJobs, u.client.Force
	if err := u.helm.rollBack(c, u.name); err != nil {
		return "", fmt.Errorf("rolling release %q back to revision %d: %w", u.name, target, err)
	}
	return fmt.Sprintf("rolled back to revision %d", target), nil
}
