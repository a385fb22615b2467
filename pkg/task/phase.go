package task

import "slices"

// Operation is one of Helm's commands, or a run of tasks alone.
type Operation string

// The operations. Run has no phases: it runs the tasks that the user names.
const (
	Install   Operation = "install"
	Upgrade   Operation = "upgrade"
	Rollback  Operation = "rollback"
	Uninstall Operation = "uninstall"
	Run       Operation = "run"
)

// Phase is the moment of an operation at which a task runs. Tasks with the empty phase run only by name.
type Phase string

// The phases. PreDeploy, MidDeploy and PostDeploy stand for the phases of install and upgrade together. Mid phases run when
// Helm has applied the manifests, and do not wait for readiness.
const (
	PreInstall    Phase = "pre-install"
	MidInstall    Phase = "mid-install"
	PostInstall   Phase = "post-install"
	PreUpgrade    Phase = "pre-upgrade"
	MidUpgrade    Phase = "mid-upgrade"
	PostUpgrade   Phase = "post-upgrade"
	PreDeploy     Phase = "pre-deploy"
	MidDeploy     Phase = "mid-deploy"
	PostDeploy    Phase = "post-deploy"
	PreRollback   Phase = "pre-rollback"
	MidRollback   Phase = "mid-rollback"
	PostRollback  Phase = "post-rollback"
	PreUninstall  Phase = "pre-uninstall"
	PostUninstall Phase = "post-uninstall"
	// OnFailure runs when a step of the operation has failed.
	OnFailure Phase = "on-failure"
	// Finally runs at the very end, whatever the result of the operation is.
	Finally Phase = "finally"
)

// Phases returns all phases in the order in which they occur in the life of a release.
func Phases() []Phase {
	return []Phase{
		PreDeploy, PreInstall, PreUpgrade,
		MidDeploy, MidInstall, MidUpgrade,
		PostDeploy, PostInstall, PostUpgrade,
		PreRollback, MidRollback, PostRollback,
		PreUninstall, PostUninstall,
		OnFailure, Finally,
	}
}

// Known reports whether p is one of Phases.
func (p Phase) Known() bool { return slices.Contains(Phases(), p) }

// Stage is the place of a phase among Helm's own steps of an operation.
type Stage int

// The stages in their order. None is for phases that the operation does not have.
const (
	None Stage = iota
	// Before is before Helm changes the release.
	Before
	// Mid is when the manifests are applied.
	Mid
	// After is when the release is ready or, in an uninstall, deleted.
	After
	// AtFailure is after these stages, when a step failed.
	AtFailure
	// AtRollback is when a failed task asks for the release to be rolled back.
	AtRollback
	// AtEnd is last.
	AtEnd
)

// stages are the phases of each operation, with their stages.
var stages = map[Operation]map[Phase]Stage{
	Install: {
		PreInstall: Before, MidInstall: Mid, PostInstall: After,
		PreDeploy: Before, MidDeploy: Mid, PostDeploy: After,
	},
	Upgrade: {
		PreUpgrade: Before, MidUpgrade: Mid, PostUpgrade: After,
		PreDeploy: Before, MidDeploy: Mid, PostDeploy: After,
	},
	Rollback:  {PreRollback: Before, MidRollback: Mid, PostRollback: After},
	Uninstall: {PreUninstall: Before, PostUninstall: After},
}

// In returns the stage of this phase in op; None when op does not have the phase.
func (p Phase) In(op Operation) Stage {
	phases, wraps := stages[op]
	switch {
	case !wraps:
		return None
	case p == OnFailure:
		return AtFailure
	case p == Finally:
		return AtEnd
	}
	return phases[p]
}
