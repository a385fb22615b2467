package plugin

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

// readinessFlags are the flags that say how objects are waited for.
type readinessFlags struct {
	grace time.Duration
	// graceFlag is the flag itself, which knows whether it was given.
	graceFlag *pflag.Flag
	rules     string
}

func (r *readinessFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&r.rules, "readiness", "", "a file with rules that say when custom resources are ready")
	fs.DurationVar(&r.grace, "grace", action.DefaultGrace, "how long a wait bears what seldom goes away by itself, such as an image that cannot be pulled, or a container that has crashed three times; when it is given, a pod that no node takes counts too; 0 waits for the whole --timeout")
	r.graceFlag = fs.Lookup("grace")
}

// fill sets what the flags choose.
func (r *readinessFlags) fill(o *action.HelmOptions) {
	o.Grace, o.GraceGiven, o.Rules = r.grace, r.graceFlag != nil && r.graceFlag.Changed, r.rules
}
