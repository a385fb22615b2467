package task

import "slices"

// Operation is what a user asks for: one of Helm's commands, or tasks alone.
type Operation string

// The operations that have phases; Run has none, it runs the tasks that the user names.
const (
	Install   Operation = "install"
	Upgrade   Operation = "upgrade"
	Uninstall Operation = "uninstall"
	Run       Operation = "run"
)

// Phase is the moment of an operation at which a task runs.
type Phase string

// The phases. PreDeploy and PostDeploy are short for the phases of install and upgrade together.
const (
	PreInstall    Phase = "pre-install"
	PostInstall   Phase = "post-install"
	PreUpgrade    Phase = "pre-upgrade"
	PostUpgrade   Phase = "post-upgrade"
	PreDeploy     Phase = "pre-deploy"
	PostDeploy    Phase = "post-deploy"
	PreUninstall  Phase = "pre-uninstall"
	PostUninstall Phase = "post-uninstall"
)

// Phases returns all phases in the order in which a release meets them.
func Phases() []Phase {
	return []Phase{
		PreDeploy, PreInstall, PreUpgrade,
		PostDeploy, PostInstall, PostUpgrade,
		PreUninstall, PostUninstall,
	}
}

// Known reports whether p is one of Phases.
func (p Phase) Known() bool { return slices.Contains(Phases(), p) }

// Before reports whether tasks of this phase run in op before Helm changes the release.
func (p Phase) Before(op Operation) bool {
	return p == Phase("pre-"+op) || p == PreDeploy && deploys(op)
}

// After reports whether tasks of this phase run in op after Helm has changed the release.
func (p Phase) After(op Operation) bool {
	return p == Phase("post-"+op) || p == PostDeploy && deploys(op)
}

func deploys(op Operation) bool { return op == Install || op == Upgrade }
