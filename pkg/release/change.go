package release

import (
	"io"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Change is one of Helm's commands on one release, prepared and not yet done: *Install,
// *Upgrade, *Rollback or *Uninstall.
type Change interface {
	// Operation tells which phases the tasks around it have.
	Operation() task.Operation
	// DryRun reports whether nothing is to be changed.
	DryRun() bool
	// Next returns the objects that Apply is going to apply. It changes nothing.
	Next() ([]*unstructured.Unstructured, error)
	// Hold keeps objects out of what Apply applies, by API version and kind, and Held returns their YAML as
	// Next has rendered it.
	Hold(kept func(apiVersion, kind string) bool)
	Held() [][]byte
	// Templates reports whether a text is in the templates of the chart that is to be applied.
	Templates(text string) bool
	// Apply does it. The error is worded as Helm words it.
	Apply() error
	// Objects returns the objects of the revision that Apply made.
	Objects() ([]*unstructured.Unstructured, error)
	// Files are those of the chart in question: the one to be applied, or that of the release.
	Files() []File
	// Values are those that the chart is rendered with: the user's over the chart's own.
	Values() (map[string]any, error)
	// Revision is the number of that revision; 0 when there is none.
	Revision() int
	// NextRevision is the number of the revision that Apply is going to make; of an uninstall that of
	// the one it removes.
	NextRevision() int
	// Life tells the release from another one of the same name; empty as long as there is none.
	Life() string
	// Resume has Prepare go on with what an earlier process had begun, and Done reports afterwards that
	// this had come to its end, so that Apply has nothing to do.
	Resume(b Begun)
	Done() bool
	// Inputs are the digests of what the change is made from, by what they are of.
	Inputs() map[string]string
	// CreatesNamespace reports whether Apply makes the namespace when there is none.
	CreatesNamespace() bool
	// MaxHistory is how many revisions of the release are kept; 0 is all.
	MaxHistory() int
	// Stale reports whether the release has changed since Prepare.
	Stale() (bool, error)
	// RollsBack reports whether any failure is to be followed by RollBack.
	RollsBack() bool
	// RollBack takes back what Apply did and returns what that was: an upgrade goes back to the last
	// revision that was deployed, an install is uninstalled.
	RollBack() (string, error)
	// Timeout is Helm's --timeout, which limits each wait.
	Timeout() time.Duration
	// Format is that of Print: table, json or yaml.
	Format() string
	// Print writes what Helm's command writes, with run added to JSON and YAML unless it is nil.
	Print(out io.Writer, run any) error
}

// PreflightError is why an operation would fail, found before anything was touched.
type PreflightError struct{ Err error }

// Error returns the reason.
func (e *PreflightError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *PreflightError) Unwrap() error { return e.Err }
