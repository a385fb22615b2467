package draft

import (
	"fmt"
	"slices"
	"strings"
)

// lintHelm2 returns the finding about a command line of Helm 2 and the command to write instead; both are empty
// for any other command.
func lintHelm2(words []string) (message, today string) {
	if len(words) < 2 {
		return "", ""
	}
	verb, rest := words[1], words[2:]
	if i := slices.IndexFunc(rest, isTillerFlag); i >= 0 {
		return fmt.Sprintf("%s is a flag of Helm 2; Helm 3 has no Tiller", rest[i]), "remove the flag"
	}
	switch verb {
	case "install":
		if name, others, found := takeValue(rest, "--name"); found {
			return "helm install --name is Helm 2 syntax; the name is the first argument", "write: " + join("helm install", append([]string{name}, others...))
		}
	case "delete", "del", "uninstall", "un":
		if slices.Contains(rest, "--purge") {
			others := slices.DeleteFunc(slices.Clone(rest), func(w string) bool { return w == "--purge" })
			return "helm " + verb + " --purge is Helm 2 syntax; uninstall always deletes the history", "write: " + join("helm uninstall", others)
		}
	case "init", "reset":
		return "helm " + verb + " is a command of Helm 2; Helm 3 has no Tiller", "remove the task"
	case "serve":
		return "helm serve is a command of Helm 2 and was removed", "use a registry, or helm package and any web server"
	case "home":
		return "helm home is a command of Helm 2 and was removed", "write: helm env"
	case "fetch":
		return "helm fetch is Helm 2's name of helm pull", "write: " + join("helm pull", rest)
	case "inspect":
		return "helm inspect is Helm 2's name of helm show", "write: " + join("helm show", rest)
	}
	return "", ""
}

func isTillerFlag(word string) bool { return strings.HasPrefix(word, "--tiller") }

// takeValue returns the value of a flag, as --flag=VALUE or --flag VALUE, and the other words.
func takeValue(words []string, flag string) (value string, others []string, found bool) {
	for i := 0; i < len(words); i++ {
		name, v, inline := strings.Cut(words[i], "=")
		switch {
		case name != flag || found:
			others = append(others, words[i])
		case inline:
			value, found = v, true
		case i+1 < len(words):
			i++
			value, found = words[i], true
		default:
			others = append(others, words[i])
		}
	}
	return value, others, found
}

func join(command string, words []string) string {
	return strings.TrimRight(command+" "+strings.Join(words, " "), " ")
}
