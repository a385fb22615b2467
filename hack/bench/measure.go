package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	out io.Writer
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

// timed runs a command to its end, and tells what it took. An exit code other than the one it has to have is an error.
func (b *bench) timed(ctx context.Context, c command) (measured, error) {
	cmd := exec.CommandContext(ctx, c.program, c.args...)
	if cmd.Dir = c.dir; cmd.Dir == "" {
		cmd.Dir = b.dir
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	cmd.Stdout = c.out
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

// requests returns how many requests the audit log has, as far as it can be distinguished from before: it is rotated,
// but not while a program is measured. It reads in small pieces, because a process begins with the memory of the one
// that starts it, as the kernel counts.
func (b *bench) requests() int {
	if b.audit == "" {
		return 0
	}
	file, err := os.Open(b.audit)
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	n, piece := 0, make([]byte, 64<<10)
	for {
		read, err := file.Read(piece)
		n += bytes.Count(piece[:read], []byte{'\n'})
		if err != nil {
			return n
		}
	}
}

// do runs commands that are not measured.
func (b *bench) do(ctx context.Context, commands ...command) error {
	for _, c := range commands {
		if _, err := b.timed(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
