// Package script has the commands that the test scripts have in addition to those of testscript.
package script

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Race is the value of GORACE for programs under test: by default the race detector holds up every
// process for a second when it ends.
const Race = "atexit_sleep_ms=0"

// Commands are for testscript.Params.Cmds.
var Commands = map[string]func(*testscript.TestScript, bool, []string){
	"exits":      exits,
	"inorder":    inOrder,
	"eventually": eventually,
}

// exits CODE PROGRAM ARG... runs a program that must end with that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\nstderr:\n%s", got, want, ts.ReadFile("stderr"))
	}
}

// inorder FILE TEXT... checks that the texts stand in the file one after another.
func inOrder(ts *testscript.TestScript, _ bool, args []string) {
	rest := ts.ReadFile(args[0])
	for _, text := range args[1:] {
		_, after, found := strings.Cut(rest, text)
		if !found {
			ts.Fatalf("%q does not follow in:\n%s", text, ts.ReadFile(args[0]))
		}
		rest = after
	}
}

// eventually PROGRAM ARG... runs a program until it succeeds; with ! until it fails.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(60 * time.Second)
	for {
		err := ts.Exec(args[0], args[1:]...)
		if (err != nil) == neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %v: %v", args, err)
		}
		<-time.After(100 * time.Millisecond)
	}
}
