package release

import (
	"fmt"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// PendingError is the error of a release whose newest revision is pending: another process is changing it, or has died.
type PendingError struct {
	Release  string
	Revision int
	Status   helmrelease.Status
	// Since is when that change started, by the clock of its process.
	Since time.Time
	// DryRun reports that the operation that found it changes nothing.
	DryRun bool
}

// Error returns a message that starts with that of Helm's own error.
func (e *PendingError) Error() string {
	return fmt.Sprintf("another operation (install/upgrade/rollback) is in progress: release %q is %s since %s",
		e.Release, e.Status, e.Since.Format(time.RFC3339))
}

func newPendingError(last *helmrelease.Release, dry bool) error {
	return &PendingError{DryRun: dry, Release: last.Name, Revision: last.Version, Status: last.Info.Status, Since: last.Info.LastDeployed.Time}
}

// MarkFailed marks a pending revision of a release as failed, as the process that died would have done; why becomes its
// description. It does nothing if the revision is not pending.
func (h *Helm) MarkFailed(name string, revision int, why string) error {
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
