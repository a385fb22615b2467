package plugin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

func (o *runOptions) addOneOffFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.oneOff.Exec, "exec", "", "run the command after -- in a pod of this workload, Service or pod (KIND/NAME)")
	fs.StringVar(&o.oneOff.Clone, "clone", "", "run the command after -- in a clone of this workload's pod (KIND/NAME)")
	fs.StringVar(&o.oneOff.Pod, "pod", "", "run the command after -- in a pod of this image")
	fs.StringVar(&o.oneOff.Job, "job", "", "run the command after -- in a Job of this image")
	fs.StringVar(&o.oneOff.Lagoon, "lagoon-service", "", "run the shell command after -- as a standard task of Lagoon, in a clone of this service's pod; without --, run one of Lagoon's own tasks: cache-clear, cron or uli")
	fs.StringVarP(&o.oneOff.Container, "container", "c", "", "the container for --exec, --clone and --lagoon-service (default the pod's default container)")
	fs.StringVar(&o.oneOff.Pods, "pods", "", "the number of pods in which --exec runs the command: one, all, a number or a percentage (default one)")
	fs.DurationVar(&o.oneOff.Timeout, "timeout", 0, "the time limit of the command after -- (default no limit)")
}

// addOneOff adds the task of the command line to a run. dash is the number of arguments before "--"; negative without it.
func (o *runOptions) addOneOff(run *action.Run, args []string, dash int) error {
	one := o.oneOff
	if one.Exec+one.Clone+one.Pod+one.Job+one.Lagoon == "" {
		switch {
		case dash >= 0:
			return action.Usage(errors.New("a command after -- needs one of --exec, --clone, --pod, --job and --lagoon-service"))
		case len(args) > 0 && o.phase != "":
			return action.Usage(errors.New("give task names or --phase, not both"))
		}
		return nil
	}
	one.Args, one.BuiltIn = args, one.Lagoon != "" && dash < 0 && len(args) == 1
	switch {
	case dash > 0 || dash < 0 && len(args) > 0 && !one.BuiltIn:
		return action.Usage(fmt.Errorf("task names and a command cannot be combined; write the command after --, such as -- %s", strings.Join(args, " ")))
	case o.phase != "" || len(o.tasks.references) > 0:
		return action.Usage(errors.New("--phase and --tasks choose tasks of a file, and cannot be combined with a command after --"))
	}
	run.OneOff = &one
	return nil
}
