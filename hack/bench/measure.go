package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// command is a program with its arguments, as it is measured.
type command struct {
	program string
	args    []string
	// dir is the working directory; empty is one without task files.
	dir string
	// out takes standard output; nil drops it.
	out *os.File
	// code is the exit code that it has to have.
	code int
}

// measured is what one run of a program took.
type measured struct {
	wall time.Duration
	// memory is the most that it had at a time, in bytes.
	memory int64
	// requests are those that the API server has counted.
	requests int
}

// run runs a command to its end. An exit code other than the one it has to have is an error.
func (b *bench) run1(ctx context.Context, c command) (measured, error) {
	cmd := exec.CommandContext(ctx, c.program, c.args...)
	if cmd.Dir = c.dir; cmd.Dir == "" {
		cmd.Dir = b.dir
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if c.out != nil {
		cmd.Stdout = c.out
	}
	before := b.requests()
	began := time.Now()
	err := cmd.Run()
	m := measured{wall: time.Since(began)}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == c.code && c.code != 0 {
		err = nil
	}
	if err != nil {
		return m, fmt.Errorf("%s %v: %w\n%s", c.program, c.args, err, errOut.String()[max(0, errOut.Len()-2000):])
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.memory = usage.Maxrss << 10
	}
	m.requests = b.requests() - before
	return m, nil
}

// requests returns how many requests of ours the audit log has; 0 when there is none. It is rotated, but not
// while a program is measured.
func (b *bench) requests() int {
	if b.audit == "" {
		return 0
	}
	text, err := os.ReadFile(b.audit)
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte{'\n'})
}

// do runs commands that are not measured.
func (b *bench) do(ctx context.Context, commands ...command) error {
	for _, c := range commands {
		if _, err := b.run1(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
