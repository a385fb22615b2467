package release

import (
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
