package plugin

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// readinessFlags say how objects are waited for.
type readinessFlags struct {
	grace time.Duration
}

func (r *readinessFlags) addFlags(fs *pflag.FlagSet) {
	fs.DurationVar(&r.grace, "grace", kube.DefaultGrace, "how long a wait bears what seldom goes away by itself, such as an image that cannot be pulled, or a container that has crashed three times; 0 waits for the whole --timeout")
}

// read returns how objects are waited for.
func (r *readinessFlags) read() (kube.Readiness, error) {
	if r.grace < 0 {
		return kube.Readiness{}, usageError{fmt.Errorf("--grace must not be negative, as %s is", r.grace)}
	}
	return kube.Readiness{Grace: r.grace}, nil
}
