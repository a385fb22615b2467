package plugin

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// lagoonFlags are the flags for Lagoon's tasks.
type lagoonFlags struct {
	vars         []string
	varFile      string
	compat       bool
	serviceLabel string
}

// addSource adds the flags for reading tasks.
func (l *lagoonFlags) addSource(fs *pflag.FlagSet) {
	fs.StringArrayVar(&l.vars, "var", nil, "a Lagoon variable, as NAME=VALUE, for the conditions of .lagoon.yml and the pods of Lagoon's tasks (can specify multiple)")
	fs.StringVar(&l.varFile, "var-file", "", "a file with Lagoon variables, as lines NAME=VALUE or as YAML; --var takes precedence")
}

// addRun adds the flags for running tasks.
func (l *lagoonFlags) addRun(fs *pflag.FlagSet) {
	fs.BoolVar(&l.compat, "lagoon-compat", false, "run Lagoon's standard tasks as Lagoon does: in every container, and only with Lagoon's entrypoint")
	fs.StringVar(&l.serviceLabel, "lagoon-service-label", "", "the label that names the service of a workload (default "+task.ServiceLabel+")")
}

// fill sets the options of the flags.
func (l *lagoonFlags) fill(o *format.LagoonOptions) (err error) {
	o.Compat, o.ServiceLabel = l.compat, l.serviceLabel
	o.Variables, err = l.variables()
	return err
}

// variables returns the variables of --var-file and --var.
func (l *lagoonFlags) variables() (map[string]string, error) {
	variables := map[string]string{}
	if l.varFile != "" {
		text, err := os.ReadFile(l.varFile)
		if err != nil {
			return nil, err
		}
		if variables, err = lagoon.ReadVariables(l.varFile, text); err != nil {
			return nil, err
		}
	}
	for _, v := range l.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--var is %q; write NAME=VALUE", v)
		}
		variables[name] = value
	}
	return variables, nil
}
