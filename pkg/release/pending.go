package release

import (
	"fmt"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// PendingError is a release that somebody is at work on, or that somebody left before the end.
type PendingError struct {
	Release  string
	Revision int
	Status   helmrelease.Status
	// Since is when that began, by the clock of who began it.
	Since time.Time
}

// Error begins as Helm's own error does.
func (e *PendingError) Error() string {
	return fmt.Sprintf("another operation (install/upgrade/rollback) is in progress: release %q is %s since %s",
		e.Release, e.Status, e.Since.Format(time.RFC3339))
}

// inProgress is the error of a release that another run, or a dead one, has not finished.
func inProgress(last *helmrelease.Release) error {
	return &PendingError{Release: last.Name, Revision: last.Version, Status: last.Info.Status, Since: last.Info.LastDeployed.Time}
}

// Heal marks a pending revision of a release as failed, as Helm itself would have done if it had lived
// on; why becomes its description. A revision that is pending no more is left as it is.
func (h *Helm) Heal(name string, revision int, why string) error {
	rel, err := h.config.Releases.Get(name, revision)
	if err != nil {
		return fmt.Errorf("release %q in namespace %q: %w", name, h.namespace, err)
	}
	if !rel.Info.Status.IsPending() {
		return nil
	}
	rel.SetStatus(helmrelease.StatusFailed, why)
	if err := h.config.Releases.Update(rel); err != nil {
		return fmt.Errorf("release %q in namespace %q: %w", name, h.namespace, err)
	}
	return nil
}
