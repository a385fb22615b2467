package plugin

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

// hookFlags are the flags for the chart's hooks.
type hookFlags struct{ mode string }

func (h *hookFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&h.mode, "hooks", string(release.HooksSerial), "how the chart's hooks run: serial (one after another), parallel (hooks of equal weight at the same time), helm (by Helm's own code) or none")
}

func (h *hookFlags) validate() error {
	if slices.Contains(release.HookModes(), release.HookMode(h.mode)) {
		return nil
	}
	return action.Usage(fmt.Errorf("--hooks must be serial, parallel, helm or none, not %q", h.mode))
}
