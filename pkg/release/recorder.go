package release

import (
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// recorder is a release storage that tells the client which release Helm is changing: Helm stores it before
// it touches anything else.
type recorder struct {
	driver.Driver
	client *client
}

// Create implements driver.Driver. What the server refuses here has touched nothing, unless the chart has CRDs, which
// Helm makes before: the error is a *PreflightError then.
func (r *recorder) Create(key string, rel *helmrelease.Release) error {
	err := r.Driver.Create(key, rel)
	switch refused := apierrors.IsForbidden(err) || apierrors.IsNotFound(err); {
	case err == nil:
		r.begins(rel)
		return nil
	case refused && len(rel.Chart.CRDObjects()) == 0:
		return &PreflightError{err}
	}
	return err
}

// Update implements driver.Driver. When hooks have failed, the revision before stays what it was, as it does when Helm runs
// them itself. Here they run inside other steps of Helm's, after whose failure it writes that revision: as superseded
// when it is a rollback, so that there would be no deployed one any more, and with what an upgrade has
// merged into its values.
func (r *recorder) Update(key string, rel *helmrelease.Release) error {
	r.begins(rel)
	if a := r.client.around; a != nil && a.hooksFailed && rel.Version < a.release.Version {
		return nil
	}
	return r.Driver.Update(key, rel)
}

// begins notes the release, as soon as it is one that is being changed.
func (r *recorder) begins(rel *helmrelease.Release) {
	a := r.client.around
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
