package native

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// variables returns the variables of a program as NAME=VALUE.
func (p *parser) variables(name string, env []EnvVar, n *yaml.Node) []string {
	var all []string
	for i, v := range env {
		switch at := valueAt(n, "env").Content[i]; {
		case v.Name == "" || strings.ContainsAny(v.Name, "=\x00"):
			p.fail(strict.At(at, "task %q: %q is not the name of a variable", name, v.Name), name)
		case strings.Contains(v.Value, "\x00"):
			p.fail(strict.At(at, "task %q: the variable %s has a NUL character, which variables cannot contain", name, v.Name), name)
		}
		all = append(all, v.Name+"="+v.Value)
	}
	return all
}

// program returns the command of an executor.
func (p *parser) program(name string, program Program, n *yaml.Node) task.Command {
	switch {
	case len(program.Command) > 0 && program.Shell != "":
		p.fail(strict.At(valueAt(n, "shell"), "task %q has command and shell; set only one of them", name), name)
	case program.Shell != "":
		for _, found := range unique(expressionsIn(program.Shell)) {
			p.fail(strict.At(valueAt(n, "shell"), "task %q: %s is not replaced in a script; set env: [{name: VALUE, value: %q}] and write $VALUE", name, found, found), name)
		}
		return task.Command{Argv: []string{"sh", "-c", program.Shell}, Text: program.Shell}
	case len(program.Command) == 0 || program.Command[0] == "":
		p.fail(strict.At(n, "task %q has nothing to run: write command or shell", name), name)
	}
	for i, argument := range program.Command {
		if strings.Contains(argument, "\x00") {
			p.fail(strict.At(valueAt(n, "command").Content[i], "task %q: an argument has a NUL character, which arguments cannot contain", name), name)
		}
	}
	return task.Command{Argv: program.Command, Text: quoted(program.Command)}
}

// quoted returns a command as text. Arguments with spaces are in quotes.
func quoted(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		if words[i] = a; a == "" || strings.ContainsAny(a, " \t\n\"'\\") {
			words[i] = fmt.Sprintf("%q", a)
		}
	}
	return strings.Join(words, " ")
}
