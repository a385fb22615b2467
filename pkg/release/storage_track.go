package release

import (
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// trackingDriver is a storage driver that passes the release that Helm is changing to the client: Helm stores it
// before it changes anything else.
type trackingDriver struct {
	driver.Driver
	client *client
}

// Create implements driver.Driver. If the server refuses it, nothing was changed and the error is a *PreflightError,
// unless the chart has CRDs, which Helm creates before.
func (d *trackingDriver) Create(key string, rel *helmrelease.Release) error {
	err := d.Driver.Create(key, rel)
	switch refused := apierrors.IsForbidden(err) || apierrors.IsNotFound(err); {
	case err == nil:
		d.track(rel)
		return nil
	case refused && len(rel.Chart.CRDObjects()) == 0:
		return &PreflightError{err}
	}
	return err
}

// Update implements driver.Driver. When hooks have failed, it does not write the previous revision, as Helm does not when it
// runs the hooks itself. The HookRunner runs them within other steps of Helm, after whose failure Helm writes that
// revision: in a rollback as superseded, which would leave no deployed revision, and in an upgrade with values merged
// into it.
func (d *trackingDriver) Update(key string, rel *helmrelease.Release) error {
	d.track(rel)
	if a := d.client.active; a != nil && a.hooksFailed && rel.Version < a.release.Version {
		return nil
	}
	return d.Driver.Update(key, rel)
}

// track sets the release of the active change, as soon as its status is pending or uninstalling.
func (d *trackingDriver) track(rel *helmrelease.Release) {
	a := d.client.active
	if a == nil || a.release != nil || !rel.Info.Status.IsPending() && rel.Info.Status != helmrelease.StatusUninstalling {
		return
	}
	a.release = rel
	if a.last == nil {
		return
	}
	for i := range min(len(rel.Hooks), len(a.last.Hooks)) {
		rel.Hooks[i].LastRun, rel.Hooks[i].DeletePolicies = a.last.Hooks[i].LastRun, a.last.Hooks[i].DeletePolicies
	}
}
