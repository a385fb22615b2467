package release

import (
	"io"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Change is a prepared operation on one release. The Prepare methods of Install, Upgrade, Rollback and Uninstall
// return one; nothing is changed before Apply.
type Change interface {
	// Facts returns what Prepare found out.
	Facts() Facts
	// Inputs returns the digests of the inputs of the change, by the names of InputNames.
	Inputs() map[string]string
	// Files returns the files of the chart that is applied, or of the release's chart.
	Files() []File
	// TemplatesContain reports whether a text occurs in the templates that Apply renders.
	TemplatesContain(text string) bool
	// Values returns the values that the chart is rendered with: the user's merged over the chart's own.
	Values() (map[string]any, error)
	// Exclude keeps the objects of which match returns true out of what Apply applies.
	Exclude(match func(apiVersion, kind string) bool)
	// Excluded returns the YAML of the objects that the last rendering excluded.
	Excluded() [][]byte
	// Render returns the objects that Apply would apply now. It changes nothing.
	Render() ([]*unstructured.Unstructured, error)
	// Stale reports whether the release has changed since Prepare.
	Stale() (bool, error)
	// Apply makes the change. The error has the words of Helm's own command.
	Apply() error
	// RollBack reverts a failed Apply and returns a description of what it did: an upgrade is rolled back to the
	// last deployed revision, an install is uninstalled. It is an error for other operations.
	RollBack() (string, error)
	// Revision returns the number of the revision that Apply created, or removed; 0 if there is none.
	Revision() int
	// FirstDeployed returns when the release was first deployed, in RFC 3339, which tells it from an earlier release
	// of the same name; empty as long as there is no release.
	FirstDeployed() string
	// Objects returns the objects of the revision that Apply created.
	Objects() ([]*unstructured.Unstructured, error)
	// Format returns the output format of Print: table, json or yaml.
	Format() string
	// Print writes the output of Helm's own command. Unless run is nil, it is added to JSON and YAML.
	Print(out io.Writer, run any) error
}

// Facts are what is known of a change once it is prepared. They stay the same until it is prepared again.
type Facts struct {
	// Operation is what is carried out: of an upgrade with --install it can be an install.
	Operation task.Operation
	// DryRun reports whether Apply changes nothing.
	DryRun bool
	// Timeout is Helm's --timeout, which limits each wait.
	Timeout time.Duration
	// NextRevision is the number of the revision that Apply creates; for an uninstall, of the newest one.
	NextRevision int
	// Target is the number of the revision that a rollback restores; 0 for other operations.
	Target int
	// AlreadyApplied reports whether the interrupted change that is resumed was completed, so that Apply is not needed.
	AlreadyApplied bool
	// CreateNamespace reports whether Apply creates the namespace if it does not exist.
	CreateNamespace bool
	// RollbackOnFailure reports whether a failure of any step is followed by RollBack.
	RollbackOnFailure bool
	// MaxHistory is how many revisions of the release are kept; 0 means all.
	MaxHistory int
	// KeepHistory reports whether an uninstall keeps the release's history.
	KeepHistory bool
}

// PreflightError is a reason why an operation would fail, found before anything was changed.
type PreflightError struct{ Err error }

// Error returns the reason.
func (e *PreflightError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *PreflightError) Unwrap() error { return e.Err }
