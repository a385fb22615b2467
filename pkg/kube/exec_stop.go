package kube

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// announce is run by the container's shell instead of the program: it tells the process id on
// the first line of standard error and becomes the program, whose arguments it does not touch.
// Container runtimes start what is executed as the leader of a process group, so the id is the
// group's as well.
const announce = `echo "$1 $$" >&2; shift; exec "$@"`

// signalGroup sends a signal to a process group; with none to send it to it does nothing.
const signalGroup = `kill -s "$1" -- "-$2" 2>/dev/null || kill -"$1" "-$2" 2>/dev/null || :`

// ErrStopped means that the program was told to stop, because ctx was cancelled, and did.
var ErrStopped = errors.New("stopped")

// ErrNoShell means that the program could not be told to stop, because its image has no shell.
var ErrNoShell = errors.New("the image has no shell to stop it with")

// Exec runs a program in a container and returns the exit code that the server reported; only an
// explicit status counts. The error is a *RefusedError when the program did not start, a
// *LostError when its end is not known, and ErrStopped after ctx was cancelled: then the
// program's process group gets TERM and, after the grace, KILL.
//
// An image without a shell runs the program all the same, but cancelling then gives a
// *LostError with ErrNoShell.
func (c *Client) Exec(ctx context.Context, req ExecRequest, grace time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, &RefusedError{context.Cause(ctx)}
	}
	token := newToken()
	pid := newAnnouncement(req.Stderr, token)
	wrapped := req
	wrapped.Command = append([]string{"sh", "-c", announce, "sh", token}, req.Command...)
	wrapped.Stderr = pid

	code, err := c.execUntil(ctx, wrapped, func(end <-chan struct{}) error {
		return c.stop(ctx, req, pid, end, grace)
	})
	pid.flush()
	if !missingProgram(err) || pid.announced() {
		return code, err
	}
	return c.execUntil(ctx, req, func(<-chan struct{}) error { return ErrNoShell })
}

// execUntil runs exec, and stop when ctx is cancelled before it ends. The connection stays open
// meanwhile: it is what tells that the program has ended.
func (c *Client) execUntil(ctx context.Context, req ExecRequest, stop func(end <-chan struct{}) error) (int, error) {
	streaming, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	var (
		code int
		err  error
	)
	end := make(chan struct{})
	go func() {
		defer close(end)
		code, err = c.exec(streaming, req)
	}()
	select {
	case <-end:
		return code, err
	case <-ctx.Done():
	}
	stopError := stop(end)
	hangUp()
	<-end
	if stopError != nil {
		return 0, &LostError{stopError}
	}
	return 0, ErrStopped
}

// stop ends the process group: TERM, and KILL when the program has ended or the grace is over,
// for what is left of the group.
func (c *Client) stop(ctx context.Context, req ExecRequest, pid *announcement, end <-chan struct{}, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+10*time.Second)
	defer cancel()
	// What is cancelled right after its start may not have told its id yet.
	select {
	case <-pid.known:
	case <-end:
		return nil
	case <-time.After(grace):
		return errors.New("the program never told its process id")
	}
	if err := c.signal(ctx, req, "TERM", pid.id()); err != nil {
		return err
	}
	select {
	case <-end:
	case <-time.After(grace):
	}
	if err := c.signal(ctx, req, "KILL", pid.id()); err != nil {
		return err
	}
	select {
	case <-end:
		return nil
	case <-time.After(grace):
		return errors.New("the program does not end, even when it is killed")
	}
}

func (c *Client) signal(ctx context.Context, req ExecRequest, name string, group int) error {
	req.Command = []string{"sh", "-c", signalGroup, "sh", name, strconv.Itoa(group)}
	req.Stdout, req.Stderr = io.Discard, io.Discard
	if _, err := c.exec(ctx, req); err != nil {
		return fmt.Errorf("sending %s: %w", name, err)
	}
	return nil
}

func newToken() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return fmt.Sprintf("kubectl-tasks-%x", random)
}

// maxPreamble is how much a shell may say before the announcement, such as a warning about its
// locale.
const maxPreamble = 64 << 10

// announcement is the program's standard error without the line that tells the process id.
type announcement struct {
	to    io.Writer
	token string
	// known is closed when the id is.
	known chan struct{}
	pid   int
	held  []byte
	over  bool
}

func newAnnouncement(to io.Writer, token string) *announcement {
	return &announcement{to: to, token: token, known: make(chan struct{})}
}

// Write passes on everything but the announcement.
func (a *announcement) Write(data []byte) (int, error) {
	if a.over {
		return a.to.Write(data)
	}
	a.held = append(a.held, data...)
	for !a.over {
		line, rest, whole := bytes.Cut(a.held, []byte("\n"))
		if !whole {
			a.over = len(a.held) > maxPreamble
			break
		}
		if text, ok := strings.CutPrefix(string(line), a.token+" "); ok {
			if pid, err := strconv.Atoi(text); err == nil && pid > 0 {
				a.pid, a.over, a.held = pid, true, rest
				close(a.known)
				break
			}
		}
		if _, err := a.to.Write(a.held[:len(line)+1]); err != nil {
			return 0, err
		}
		a.held = rest
	}
	if a.over {
		a.flush()
	}
	return len(data), nil
}

// flush passes on what is held.
func (a *announcement) flush() {
	if len(a.held) > 0 {
		_, _ = a.to.Write(a.held)
		a.held = nil
	}
}

func (a *announcement) announced() bool {
	select {
	case <-a.known:
		return true
	default:
		return false
	}
}

// id returns the process id; it is for after known is closed.
func (a *announcement) id() int { return a.pid }
