package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// selection says which run is meant when none is named.
type selection struct {
	// of reports whether a run can be meant.
	of func(*record.Run) bool
	// newest is for what can be done with the newest run of a release only: one that is followed by others is over,
	// and so may be one that is followed by a record that cannot be read.
	newest bool
	// none says why a run cannot be meant.
	none func(*record.Run) string
}

var (
	anyRun  = selection{of: func(*record.Run) bool { return true }}
	canStop = selection{of: func(r *record.Run) bool { return !r.Finished() }, none: func(*record.Run) string { return "has ended" }}
	canGoOn = selection{of: func(r *record.Run) bool { return r.Status != task.Succeeded && !r.RolledBack }, newest: true, none: func(r *record.Run) string {
		if r.RolledBack {
			return "was rolled back"
		}
		return "has succeeded"
	}}
)

// chooseRun returns the run that was named, or the newest of the release that can be meant. Records that cannot be
// read are told of.
func (a *App) chooseRun(ctx context.Context, runs record.Store, namespace, name string, args []string, wanted selection) (*record.Stored, error) {
	if len(args) > 0 {
		return getRun(ctx, runs, args[0])
	}
	all, unreadable, err := record.List(ctx, runs, name)
	if err != nil {
		return nil, preflight(ctx, err)
	}
	a.tellUnreadable(unreadable)
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
			return nil, usageError{fmt.Errorf("runs of %s and of %s could be meant; name the run, or give --release", title(newest.Release), title(r.Release))}
		}
		newest = r
	}
	if newest == nil {
		return nil, noRun(namespace, name, last, wanted)
	}
	for _, u := range unreadable {
		if wanted.newest && u.Start.After(newest.Start) && (u.Release == "" || u.Release == newest.Release) {
			return nil, &release.PreflightError{Err: fmt.Errorf("run %s came after run %s and cannot be read, so that it is not known which one is meant; name the run", u.ID, newest.ID)}
		}
	}
	return getRun(ctx, runs, newest.ID)
}

// getRun returns the run of that ID.
func getRun(ctx context.Context, runs record.Store, id string) (*record.Stored, error) {
	run, err := runs.Get(ctx, id)
	if errors.Is(err, record.ErrNoRun) {
		return nil, usageError{fmt.Errorf("%w; see 'kubectl tasks history'", err)}
	}
	if err != nil {
		return nil, preflight(ctx, err)
	}
	return run, nil
}

// noRun says why there is no run that can be meant.
func noRun(namespace, name string, last map[string]*record.Run, wanted selection) error {
	of := ""
	if name != "" {
		of = fmt.Sprintf(" of release %q", name)
	}
	text := fmt.Sprintf("namespace %q has no such run%s", namespace, of)
	if r := last[name]; r != nil && (name != "" || len(last) == 1) {
		text += fmt.Sprintf(": the newest, %s, %s", r.ID, wanted.none(r))
	}
	return usageError{fmt.Errorf("%s; see 'kubectl tasks history'", text)}
}

// tellUnreadable tells of records that cannot be read.
func (a *App) tellUnreadable(unreadable []record.Unreadable) {
	for _, u := range unreadable {
		a.tell(u.Err.Error())
	}
}
