package action

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Selection chooses a run when the command names none.
type Selection struct {
	// of reports whether a run can be chosen.
	of func(*record.Run) bool
	// newest allows only the newest run of a release. An older run is excluded, and so is a run that is older than a
	// record that cannot be read.
	newest bool
	// none returns the reason why a run cannot be chosen.
	none func(*record.Run) string
}

// The selections of the commands.
var (
	AnyRun    = Selection{of: func(*record.Run) bool { return true }}
	Stoppable = Selection{of: func(r *record.Run) bool { return !r.Finished() }, none: func(*record.Run) string { return "has ended" }}
	Resumable = Selection{of: func(r *record.Run) bool { return r.Status != task.Succeeded && !r.RolledBack }, newest: true, none: func(r *record.Run) string {
		if r.RolledBack {
			return "was rolled back"
		}
		return "has succeeded"
	}}
)

// Choose returns the run that the first argument names or, without arguments, the newest run of the selection.
func (p *Past) Choose(ctx context.Context, name string, args []string, wanted Selection) (*record.Stored, error) {
	if len(args) > 0 {
		return p.Get(ctx, args[0])
	}
	return p.Newest(ctx, name, wanted)
}

// Newest returns the newest run of a release in the selection; of all releases if name is empty. Records that cannot be
// read are logged. The error is a UsageError if no run, or runs of several releases, match.
func (p *Past) Newest(ctx context.Context, name string, wanted Selection) (*record.Stored, error) {
	all, unreadable, err := record.List(ctx, p.Runs, name)
	if err != nil {
		return nil, preflight(ctx, err)
	}
	p.noteUnreadable(unreadable)
	var newest *record.Run
	last := map[string]*record.Run{}
	for _, r := range slices.Backward(all) {
		if last[r.Release] == nil {
			last[r.Release] = r
		}
		if !wanted.of(r) || wanted.newest && last[r.Release] != r || newest != nil && newest.Release == r.Release {
			continue
		}
		if newest != nil {
			return nil, UsageError{fmt.Errorf("runs of %s and of %s match; name the run, or add --release", Title(newest.Release), Title(r.Release))}
		}
		newest = r
	}
	if newest == nil {
		return nil, p.noRun(p.Locks.Namespace, name, last, wanted)
	}
	for _, u := range unreadable {
		if wanted.newest && u.Start.After(newest.Start) && (u.Release == "" || u.Release == newest.Release) {
			return nil, &release.PreflightError{Err: fmt.Errorf("run %s is newer than run %s, and its record cannot be read; name the run", u.ID, newest.ID)}
		}
	}
	return p.Get(ctx, newest.ID)
}

// Get returns the run of that ID. The error is a UsageError when there is none.
func (p *Past) Get(ctx context.Context, id string) (*record.Stored, error) {
	run, err := p.Runs.Get(ctx, id)
	if errors.Is(err, record.ErrNoRun) {
		return nil, UsageError{fmt.Errorf("%w; see '%s history'", err, p.config.Name)}
	}
	if err != nil {
		return nil, preflight(ctx, err)
	}
	return run, nil
}

// noRun returns the error for a selection without runs, with the reason.
func (p *Past) noRun(namespace, name string, last map[string]*record.Run, wanted Selection) error {
	of := ""
	if name != "" {
		of = fmt.Sprintf(" of release %q", name)
	}
	text := fmt.Sprintf("namespace %q has no such run%s", namespace, of)
	if r := last[name]; r != nil && (name != "" || len(last) == 1) {
		text += fmt.Sprintf(": the newest, %s, %s", r.ID, wanted.none(r))
	}
	return UsageError{fmt.Errorf("%s; see '%s history'", text, p.config.Name)}
}
