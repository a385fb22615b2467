package lagoon

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Facts are the facts of a run and of its surroundings.
type Facts struct {
	Operation task.Operation
	// Release and Namespace are those of the run, Context is that of the kubeconfig. Each may be empty.
	Release, Namespace, Context string
	// Variables are those that the user gave. They override all others.
	Variables map[string]string
	// Branch and Commit return those of the git repository, "" when there is none. They are called only when a
	// document depends on them. May be nil.
	Branch, Commit func() string
	// Cluster looks up a variable in the namespace; nil without a cluster.
	Cluster func(name string) (Variable, bool)
}

// Variable is the value of one of Lagoon's variables, and its origin.
type Variable struct {
	Value  string
	Origin string
	// Secret values are never shown.
	Secret bool
}

// show returns the value with its origin for a plan.
func (v Variable) show() string {
	if v.Secret {
		return "(secret, from " + v.Origin + ")"
	}
	return fmt.Sprintf("%q (%s)", v.Value, v.Origin)
}

// The variables that have a value even if they are not set.
const (
	project         = "LAGOON_PROJECT"
	environment     = "LAGOON_ENVIRONMENT"
	environmentType = "LAGOON_ENVIRONMENT_TYPE"
	gitBranch       = "LAGOON_GIT_BRANCH"
	gitSafeBranch   = "LAGOON_GIT_SAFE_BRANCH"
	gitSHA          = "LAGOON_GIT_SHA"
	kubernetes      = "LAGOON_KUBERNETES"
)

// noSHA is the value of LAGOON_GIT_SHA unless the file enables git_sha (spec lagoon.md § 2c).
const noSHA = "0000000000000000000000000000000000000000"

// lookup returns a variable: the user's, else that of git, else that of the cluster, else one computed from names.
func (p *parser) lookup(name string) (Variable, bool) {
	f := p.opts.Facts
	if value, ok := f.Variables[name]; ok {
		return Variable{Value: value, Origin: "--var"}, true
	}
	if v, ok := p.fromGit(name); ok {
		return v, true
	}
	if f.Cluster != nil {
		if v, ok := f.Cluster(name); ok {
			return v, true
		}
	}
	return p.computed(name)
}

func (p *parser) fromGit(name string) (Variable, bool) {
	value, origin := "", "git"
	switch name {
	case gitBranch:
		value = callIfSet(p.opts.Facts.Branch)
	case gitSafeBranch:
		value = safeName(callIfSet(p.opts.Facts.Branch))
	case gitSHA:
		if p.gitSHA {
			value = callIfSet(p.opts.Facts.Commit)
		} else {
			value, origin = noSHA, "environment_variables.git_sha is not true"
		}
	}
	return Variable{Value: value, Origin: origin}, value != ""
}

// computed returns a variable that is computed from the names of the run.
func (p *parser) computed(name string) (Variable, bool) {
	f := p.opts.Facts
	made := func(value, origin string) (Variable, bool) {
		return Variable{Value: value, Origin: origin}, value != ""
	}
	switch name {
	case project:
		if p.project != "" {
			return made(p.project, "the file's project")
		}
		return made(f.Release, "the release")
	case environment:
		if of, ok := p.lookup(project); ok {
			if rest, cut := strings.CutPrefix(f.Namespace, of.Value+"-"); cut {
				return made(rest, "the namespace")
			}
		}
		if branch := safeName(callIfSet(f.Branch)); branch != "" {
			return made(branch, "git")
		}
		return made(f.Namespace, "the namespace")
	case environmentType:
		called, ok := p.lookup(environment)
		switch {
		case !ok:
			return Variable{}, false
		case production.MatchString(called.Value):
			return made("production", "the environment is named "+called.Value)
		}
		return made("development", "the environment is named "+called.Value)
	case kubernetes:
		return made(f.Context, "the kubeconfig's context")
	}
	return Variable{}, false
}

// production matches common names of production environments.
var production = regexp.MustCompile(`^(production|prod|main|master)$`)

// callIfSet returns the result of a function; "" without a function.
func callIfSet(f func() string) string {
	if f == nil {
		return ""
	}
	return f()
}

var unsafeCharacters = regexp.MustCompile(`[^0-9a-z-]+`)

// safeName returns a branch as Lagoon writes it in names.
func safeName(branch string) string {
	return unsafeCharacters.ReplaceAllString(strings.ToLower(branch), "-")
}
