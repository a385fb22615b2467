package plugin

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

// readinessFlags are the flags for waiting until objects are ready.
type readinessFlags struct {
	grace time.Duration
	// graceFlag is the flag itself, which reports whether it was given.
	graceFlag *pflag.Flag
	rules     string
}

func (r *readinessFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&r.rules, "readiness", "", "a file with readiness rules for custom resources")
	fs.DurationVar(&r.grace, "grace", action.DefaultGrace, "how long a problem may last before a wait ends early, such as an image that cannot be pulled or a container that has crashed three times; if the flag is given, an unschedulable pod is a problem too; 0 waits for the whole --timeout")
	r.graceFlag = fs.Lookup("grace")
}

// fill sets the options of the flags.
func (r *readinessFlags) fill(o *action.HelmOptions) {
	o.Grace, o.GraceGiven, o.Rules = r.grace, r.graceFlag != nil && r.graceFlag.Changed, r.rules
}
