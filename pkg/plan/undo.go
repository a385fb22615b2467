package plan

import (
	"fmt"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// undoPrefix is the prefix of the IDs of undo steps.
const undoPrefix = "undo/"

// RecordedUndo is the undo of a task of an earlier run.
type RecordedUndo struct {
	// Entry is the ID of the ledger entry.
	Entry string
	// Revision is the release revision that the task ran for.
	Revision int
	Undo     task.Task
}

// addRecordedUndos adds the undos of earlier runs, one after another.
func (b *builder) addRecordedUndos(undos []RecordedUndo) {
	for _, d := range undos {
		undo := d.Undo
		b.add(Step{
			ID: fmt.Sprintf("%s%d/%s", undoPrefix, d.Revision, undo.Name), Kind: Task, Stage: task.Before, Task: &undo, Recorded: d.Entry,
			Reason: fmt.Sprintf("undoes %q of revision %d", undo.Name, d.Revision),
		}, b.leaves())
	}
}

// addRollback adds the steps that run when a task that asks for a rollback fails: the undos of the tasks that have run, the
// newest first, and Helm's rollback.
func (b *builder) addRollback() {
	asks := func(s Step) bool { return s.Task != nil && s.Task.OnFailure == task.RollBack }
	at := slices.IndexFunc(b.steps, asks)
	if at < 0 {
		return
	}
	because := fmt.Sprintf("%q requests a rollback on failure", b.steps[at].ID)
	var needs []string
	for _, s := range slices.Backward(inOrder(b.pruned())) {
		if s.Task == nil || s.Task.Undo == nil {
			continue
		}
		needs = []string{b.add(Step{
			ID: undoPrefix + s.ID, Kind: Task, Stage: task.AtRollback, Task: s.Task.Undo, Undoes: s.ID, Reason: because,
		}, needs)}
	}
	b.add(Step{ID: rollbackID, Kind: RollBack, Stage: task.AtRollback, Reason: because}, needs)
}
