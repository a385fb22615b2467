package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// recordable are the commands that a record may name, with the operations that they are recorded as.
var recordable = map[string][]task.Operation{
	"install":   {task.Install},
	"upgrade":   {task.Upgrade, task.Install},
	"rollback":  {task.Rollback},
	"uninstall": {task.Uninstall},
	"run":       {task.Run},
}

// decisions are the flags of which a record's value counts: they say what the run does in its namespace.
// A flag that is neither here nor in ofMachine is refused, so that a new one is not let in by accident.
var decisions = []string{
	"atomic", "burst-limit", "cascade", "cleanup-on-fail", "clone", "concurrency", "container", "create-namespace", "debug",
	"description", "devel", "disable-openapi-validation", "draft-compat", "exec", "force", "force-tasks", "format", "generate-name", "grace",
	"heal", "hide-notes", "history-max", "hooks", "ignore-not-found", "install", "job", "keep-going", "keep-history", "keptn",
	"keptn-non-blocking", "labels", "lagoon-compat", "lagoon-service", "lagoon-service-label", "name-template", "no-hooks",
	"once-per-version", "output", "parallel", "param", "phase", "pod", "pods", "promotion", "qps", "recreate-pods", "release",
	"render-subchart-notes", "replace", "reset-then-reuse-values", "reset-values", "reuse-values", "rollback-on-failure",
	"runner-image", "set", "set-json", "set-literal", "set-string", "skip-crds", "skip-evaluations", "skip-schema-validation",
	"take-ownership", "task-timeout", "timeout", "var", "verify", "version", "wait", "wait-for-jobs",
}

// ofMachine are the flags that run programs on this machine, read or write its files, reach other machines,
// or answer questions for its user. Who resumes a run gives them anew, or confirms those of the record.
var ofMachine = []string{
	"allow-host-tasks", "ca-file", "cert-file", "dependency-update", "draft-shell", "enable-dns", "events", "filename",
	"insecure-skip-tls-verify", "key-file", "keyring", "params-file", "pass-credentials", "password", "plain-http", "post-renderer",
	"post-renderer-args", "readiness", "registry-config", "repo", "repository-cache", "repository-config", "set-file", "tasks",
	"unmasked", "username", "values", "var-file", "yes",
}

// setting is a flag with a value.
type setting struct{ name, value string }

// String returns the flag as it is given.
func (s setting) String() string { return fmt.Sprintf("--%s=%s", s.name, s.value) }

// recorded is what a record says of the command of its run.
type recorded struct {
	id        string
	operation task.Operation
	release   string
	command   []string
}

// recalled is the command of a record, taken apart.
type recalled struct {
	command string
	// decided are its decisions, machine what touches this machine; the chart is among them when it does.
	decided, machine []setting
	args             []string
	// dash is how many of args come before "--"; -1 when there is none.
	dash int
	// flags are those that the command has.
	flags *pflag.FlagSet
}

const (
	// chartFlag is resume's flag for the chart.
	chartFlag = "chart"
	// tlsFlag is about the download of the chart with Helm's commands, and about the cluster with all others.
	tlsFlag = "insecure-skip-tls-verify"
)

// recall reads the command of a run's record. The record is data: what is not known to be a decision of a run
// is refused, and so is what is about something else than the run.
func (a *App) recall(run recorded) (*recalled, error) {
	refuse := func(format string, args ...any) error {
		return action.RefusedError{Message: shown("run %s cannot be resumed from its record: %s", run.id, fmt.Sprintf(format, args...))}
	}
	name := run.command[0]
	if !slices.Contains(recordable[name], run.operation) {
		return nil, refuse("%q is not a command of a run that is recorded as %q", name, run.operation)
	}
	root := a.Command()
	cmd, rest, err := root.Find(run.command)
	if err != nil || cmd.Parent() != root || cmd.Name() != name {
		return nil, refuse("%q is not a command", name)
	}
	r := &recalled{command: name, flags: cmd.Flags()}
	var unknown error
	of := "" // the release of a run, for ParseAll sets no flag
	err = cmd.Flags().ParseAll(rest, func(f *pflag.Flag, value string) error {
		s := setting{f.Name, value}
		if f.Name == "release" {
			of = value
		}
		switch {
		case f.Name == "generate-name", f.Name == "name-template": // the name is recorded
		case slices.Contains(decisions, f.Name), ofCluster(s):
			r.decided = append(r.decided, s)
		case !slices.Contains(ofMachine, f.Name):
			unknown = errors.Join(unknown, refuse("a record may not contain the flag --%s", f.Name))
		case f.Value.Type() != "bool" || value != "false":
			r.machine = append(r.machine, s)
		}
		return nil
	})
	if err := errors.Join(err, unknown); err != nil {
		if refused := (action.RefusedError{}); !errors.As(err, &refused) {
			err = refuse("%v", err)
		}
		return nil, err
	}
	r.args, r.dash = cmd.Flags().Args(), cmd.Flags().ArgsLenAtDash()
	if err := r.check(of, run); err != nil {
		return nil, refuse("%v", err)
	}
	return r, nil
}

// check holds the arguments, and the release of the flag of that name, against the run, and replaces what the run has
// decided.
func (r *recalled) check(of string, run recorded) error {
	others := fmt.Errorf("its command is not about release %q", run.release)
	switch r.command {
	case "run":
		if of != run.release {
			return others
		}
		return nil
	case "install":
		// The name may have been generated.
		if len(r.args) == 0 || len(r.args) > 2 || len(r.args) == 2 && r.args[0] != run.release {
			return others
		}
		r.args = []string{run.release, r.args[len(r.args)-1]}
	case "uninstall":
		if !slices.Contains(r.args, run.release) {
			return others
		}
		r.args = []string{run.release} // each release has a run of its own
	default:
		if len(r.args) == 0 || r.args[0] != run.release {
			return others
		}
	}
	r.dash = 0 // whatever they are, they are no flags
	if r.hasChart() {
		if len(r.args) != 2 {
			return errors.New("its command names no chart")
		}
		if !standsNext(r.args[1]) {
			r.machine = append([]setting{{chartFlag, r.args[1]}}, r.machine...)
		}
	}
	return nil
}

// hasChart reports whether the last argument is a chart.
func (r *recalled) hasChart() bool { return r.command == "install" || r.command == "upgrade" }

// ofCluster reports whether --tasks names what is not of this machine.
func ofCluster(s setting) bool {
	return (s.name == "tasks" || s.name == "filename") && (s.value == "chart" || strings.HasPrefix(s.value, "configmap/"))
}

// standsNext reports whether a path leads into the working directory.
func standsNext(path string) bool {
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return false
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false
	}
	inside, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(inside)
}

// give puts what the user has given in the place of what the record says of the same flags.
func (r *recalled) give(given []setting) error {
	list := func(name string) string { // --filename and --tasks are one
		if name == "filename" {
			return "tasks"
		}
		return name
	}
	for _, g := range given {
		if g.name != chartFlag && r.flags.Lookup(g.name) == nil {
			return action.Usage(fmt.Errorf("the run was started with '%s', which has no flag --%s", r.command, g.name))
		}
		same := func(s setting) bool { return list(s.name) == list(g.name) }
		r.decided, r.machine = slices.DeleteFunc(r.decided, same), slices.DeleteFunc(r.machine, same)
		if g.name != chartFlag {
			continue
		}
		if !r.hasChart() {
			return action.Usage(fmt.Errorf("--%s applies to an install or an upgrade, and the run was started with '%s'", chartFlag, r.command))
		}
		r.args[1] = g.value
	}
	return nil
}

// line returns the command with what else is given for it.
func (r *recalled) line(given []setting) []string {
	line := []string{r.command}
	for _, s := range slices.Concat(r.decided, r.machine, given) {
		if s.name != chartFlag {
			line = append(line, s.String())
		}
	}
	args := slices.Clone(r.args)
	if r.dash >= 0 {
		args = slices.Insert(args, r.dash, "--")
	}
	return append(line, args...)
}

// consent has the user confirm what a record wants of this machine; without a terminal it is refused.
func (a *App) consent(ctx context.Context, run string, wanted []setting) error {
	if len(wanted) == 0 {
		return nil
	}
	list, line := "", displayName()+" resume "+run
	for _, s := range wanted {
		list += shown("  %s", s) + "\n"
		if s.name != tlsFlag { // of resume, that is about the cluster
			line += " " + shown("%s", lagoon.Quote(s.String()))
		}
	}
	if a.interactive() {
		yes, err := a.person.Ask(ctx, fmt.Sprintf("The record of run %s contains flags that affect this machine, or use your access to other systems:\n%sAllow them?", shown("%s", run), list))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case yes:
			return err
		}
	}
	return action.RefusedError{Message: fmt.Sprintf("the record of run %s contains flags that affect this machine, or use your access to other systems, and any user who can write Secrets may have written them:\n%shint: give the flags that you want on the command line: %s", run, list, line)}
}

// machineFlags adds the flags of ofMachine to resume, as far as it has none of the name, and returns those that were
// given.
func (a *App) machineFlags(fs *pflag.FlagSet) func() []setting {
	fs.String(chartFlag, "", "the chart of an install or an upgrade; a recorded chart outside the working directory needs confirmation")
	for _, cmd := range []*cobra.Command{a.installCommand(mode{}), a.runCommand(mode{})} {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			switch {
			case !slices.Contains(ofMachine, f.Name) || fs.Lookup(f.Name) != nil:
			case f.Value.Type() == "bool":
				fs.BoolP(f.Name, yesShort(f), false, f.Usage)
			default:
				fs.StringArray(f.Name, nil, f.Usage)
			}
		})
	}
	return func() []setting {
		var given []setting
		fs.Visit(func(f *pflag.Flag) {
			if f.Name != chartFlag && !slices.Contains(ofMachine, f.Name) {
				return
			}
			for _, value := range texts(f) {
				given = append(given, setting{f.Name, value})
			}
		})
		return given
	}
}

// yesShort is the short form of --yes; those of the others mean different things on different commands.
func yesShort(f *pflag.Flag) string {
	if f.Name == "yes" {
		return f.Shorthand
	}
	return ""
}

// texts returns the values of a flag.
func texts(f *pflag.Flag) []string {
	if several, ok := f.Value.(pflag.SliceValue); ok {
		return several.GetSlice()
	}
	return []string{f.Value.String()}
}
