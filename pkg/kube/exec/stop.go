package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// signalGroup sends a signal to a process group; it does nothing when the group has no processes.
const signalGroup = `kill -s "$1" -- "-$2" 2>/dev/null || kill -"$1" "-$2" 2>/dev/null || :`

// removeFiles removes the files of a program; the token names them.
const removeFiles = `; for p in ` + fileDirs + `; do rm -rf "$p/$3"; done`

// execUntil runs stream, and stop when ctx is cancelled before it ends. The connection stays open while stop runs: it
// reports the end of the program.
func (e Executor) execUntil(ctx context.Context, req Request, stop func(end <-chan struct{}) error) (int, error) {
	streaming, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	defer disconnect()
	var (
		code int
		err  error
	)
	end := make(chan struct{})
	go func() {
		defer close(end)
		code, err = e.stream(streaming, req)
	}()
	select {
	case <-end:
		return code, err
	case <-ctx.Done():
	}
	stopError := stop(end)
	disconnect()
	<-end
	if stopError != nil {
		return 0, &LostError{stopError}
	}
	return 0, ErrStopped
}

// stop ends the process group: it sends TERM, and KILL to the rest of the group when the program has ended or the grace
// is over.
func (e Executor) stop(ctx context.Context, req Request, pid *marks, end <-chan struct{}, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+10*time.Second)
	defer cancel()
	// A program that is cancelled right after its start may not have written its process id yet.
	select {
	case <-pid.known:
	case <-end:
		return nil
	case <-time.After(grace):
		return errors.New("the program did not report its process ID")
	}
	if err := e.signal(ctx, req, signalGroup, "TERM", pid.id()); err != nil {
		return err
	}
	select {
	case <-end:
	case <-time.After(grace):
	}
	if err := e.signal(ctx, req, signalGroup+removeFiles, "KILL", pid.id()); err != nil {
		return err
	}
	select {
	case <-end:
		return nil
	case <-time.After(grace):
		return errors.New("the program does not exit, even after SIGKILL")
	}
}

// signal runs a script in the container that sends a signal to the process group.
func (e Executor) signal(ctx context.Context, req Request, script, name string, group int) error {
	req.Command = []string{"sh", "-c", script, "sh", name, strconv.Itoa(group), req.Token}
	req.Stdout, req.Stderr = io.Discard, io.Discard
	if _, err := e.stream(ctx, req); err != nil {
		return fmt.Errorf("sending %s: %w", name, err)
	}
	return nil
}
