package plugin

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

// recordFlags are the flags for the record of a run and its wait for the lock.
type recordFlags struct {
	place    string
	lockWait time.Duration
}

func (r *recordFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&r.place, "record", string(action.RecordAuto), "where the run is recorded for history, logs and resume: cluster (a Secret in the namespace), local (this machine), none, or auto (cluster, if allowed)")
	fs.DurationVar(&r.lockWait, "lock-wait", 15*time.Minute, "how long to wait for the lock while another run of the release is active; after that, the exit code is 8")
}

func (r *recordFlags) validate() error {
	if !slices.Contains(action.RecordPlaces, action.RecordPlace(r.place)) {
		return action.Usage(fmt.Errorf("--record must be cluster, local, none or auto, not %q", r.place))
	}
	if r.lockWait < 0 {
		return action.Usage(fmt.Errorf("--lock-wait must not be negative: %s", r.lockWait))
	}
	return nil
}

// options returns the options that the flags choose.
func (r *recordFlags) options() action.RecordOptions {
	return action.RecordOptions{Place: action.RecordPlace(r.place), LockWait: r.lockWait}
}
