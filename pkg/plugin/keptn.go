package plugin

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source/keptn"
)

// keptnFlags are the flags for Keptn's tasks.
type keptnFlags struct {
	mode            string
	promotion       bool
	nonBlocking     bool
	skipEvaluations bool
	oncePerVersion  bool
}

func (k *keptnFlags) addRun(fs *pflag.FlagSet) {
	fs.StringVar(&k.mode, "keptn", "", "how to handle Keptn's tasks if Keptn is active in the cluster: 'ignore' leaves them to Keptn, 'force' runs them here too (default refuse)")
	fs.BoolVar(&k.promotion, "promotion", false, "also run the promotion tasks of a KeptnAppContext")
	fs.BoolVar(&k.nonBlocking, "keptn-non-blocking", false, "continue after failed tasks of Keptn, with a warning")
	fs.BoolVar(&k.oncePerVersion, "once-per-version", false, "run tasks of Keptn once for each version of their app or workload, as Keptn does; --force-tasks runs them again")
	fs.BoolVar(&k.skipEvaluations, "skip-evaluations", false, "skip evaluations of Keptn")
}

func (k *keptnFlags) validate() error {
	if !slices.Contains([]keptn.Mode{"", keptn.Ignore, keptn.Force}, keptn.Mode(k.mode)) {
		return action.Usage(fmt.Errorf("--keptn is %q; use ignore or force", k.mode))
	}
	return nil
}

// options returns the options that the flags choose.
func (k *keptnFlags) options() action.KeptnOptions {
	return action.KeptnOptions{
		Mode: keptn.Mode(k.mode), Promotion: k.promotion, NonBlocking: k.nonBlocking, SkipEvaluations: k.skipEvaluations, OncePerVersion: k.oncePerVersion,
	}
}
