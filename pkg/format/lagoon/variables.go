package lagoon

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Facts are what is known of a run and of where it is made.
type Facts struct {
	Operation task.Operation
	// Release and Namespace are what the run acts on, Context is the kubeconfig's; each may be empty.
	Release, Namespace, Context string
	// Given are the variables of the command line. They win over all others.
	Given map[string]string
	// Branch and Commit are those of the git repository that the user stands in; nil and "" mean that
	// nothing is known. They are called only when something depends on them.
	Branch, Commit func() string
	// Cluster looks a variable up in the namespace; nil when there is no cluster to ask.
	Cluster func(name string) (Variable, bool)
}

// Variable is the value of one of Lagoon's variables, and where it comes from.
type Variable struct {
	Value  string
	Origin string
	// Secret values are shown nowhere.
	Secret bool
}

// show returns the value, with its origin, as a plan may show it.
func (v Variable) show() string {
	if v.Secret {
		return "(secret, from " + v.Origin + ")"
	}
	return fmt.Sprintf("%q (%s)", v.Value, v.Origin)
}

// The variables that a condition can have without anybody setting them.
const (
	project         = "LAGOON_PROJECT"
	environment     = "LAGOON_ENVIRONMENT"
	environmentType = "LAGOON_ENVIRONMENT_TYPE"
	gitBranch       = "LAGOON_GIT_BRANCH"
	gitSafeBranch   = "LAGOON_GIT_SAFE_BRANCH"
	gitSHA          = "LAGOON_GIT_SHA"
	kubernetes      = "LAGOON_KUBERNETES"
)

// noSHA is what Lagoon says unless the file asks for the commit (spec lagoon.md § 2c).
const noSHA = "0000000000000000000000000000000000000000"

// lookup returns a variable: of the command line, of git, of the cluster, or made from names.
func (p *parser) lookup(name string) (Variable, bool) {
	f := p.opts.Facts
	if value, ok := f.Given[name]; ok {
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
		value = call(p.opts.Facts.Branch)
	case gitSafeBranch:
		value = safe(call(p.opts.Facts.Branch))
	case gitSHA:
		if p.gitSHA {
			value = call(p.opts.Facts.Commit)
		} else {
			value, origin = noSHA, "environment_variables.git_sha is not true"
		}
	}
	return Variable{Value: value, Origin: origin}, value != ""
}

// computed makes a variable from the names of the run.
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
		if branch := safe(call(f.Branch)); branch != "" {
			return made(branch, "git")
		}
		return made(f.Namespace, "the namespace")
	case environmentType:
		called, ok := p.lookup(environment)
		switch {
		case !ok:
			return Variable{}, false
		case production.MatchString(called.Value):
			return made("production", "the environment is called "+called.Value)
		}
		return made("development", "the environment is called "+called.Value)
	case kubernetes:
		return made(f.Context, "the kubeconfig's context")
	}
	return Variable{}, false
}

// production matches what people call the environment that their users see.
var production = regexp.MustCompile(`^(production|prod|main|master)$`)

func call(f func() string) string {
	if f == nil {
		return ""
	}
	return f()
}

var unsafe = regexp.MustCompile(`[^0-9a-z-]+`)

// safe returns a branch as Lagoon writes it in names.
func safe(branch string) string { return unsafe.ReplaceAllString(strings.ToLower(branch), "-") }
