package standard

import (
	"fmt"
	"strings"
)

const (
	tini       = "/sbin/tini"
	entrypoint = "/lagoon/entrypoints.sh"
	// noEntrypoint is the termination message of a container whose image has no entrypoint.
	noEntrypoint = "no " + entrypoint
)

// withEntrypoint returns the command as Lagoon runs it (spec lagoon.md § 2a).
func withEntrypoint(argv []string) []string {
	return append([]string{tini, "--", entrypoint}, argv...)
}

// withEntrypointIfThere returns a command that runs argv through Lagoon's entrypoint if the image has it. Otherwise the
// command runs argv itself, and writes noEntrypoint as its termination message.
func withEntrypointIfThere(argv []string, messages string) []string {
	script := fmt.Sprintf(`if [ -x %[1]s ] && [ -x %[2]s ]; then exec %[1]s -- %[2]s "$@"; fi; { printf %%s '%[3]s' >'%[4]s'; } 2>/dev/null; exec "$@"`, tini, entrypoint, noEntrypoint, strings.ReplaceAll(messages, "'", `'\''`))
	return append([]string{"/bin/sh", "-c", script, "sh"}, argv...)
}
