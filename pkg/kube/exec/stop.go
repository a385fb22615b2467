package exec

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

// signalGroup sends a signal to a process group; with none to send it to it does nothing.
const signalGroup = `kill -s "$1" -- "-$2" 2>/dev/null || kill -"$1" "-$2" 2>/dev/null || :`

// forget removes a program's traces, named by the token.
const forget = `; for p in ` + places + `; do rm -rf "$p/$3"; done`

// ErrStopped means that the program was told to stop, because ctx was cancelled, and did.
var ErrStopped = errors.New("stopped")

// ErrNoShell means that the program could not be told to stop, because its image has no shell.
var ErrNoShell = errors.New("the image has no shell to stop it with")

// Exec runs a program in a container and returns its exit code: the one that the server reported or, when
// the connection was lost before that, the one that the program left in the container. The error is a
// *RefusedError when the program did not start, a *LostError when its end is not known, and ErrStopped
// after ctx was cancelled: then the program's process group gets TERM and, after the grace, KILL.
//
// An image without a shell runs the program all the same, but cancelling then gives a *LostError with
// ErrNoShell, and so does a lost connection.
func (e Executor) Exec(ctx context.Context, req Request, grace time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, &RefusedError{context.Cause(ctx)}
	}
	if req.Token == "" {
		req.Token = newToken()
	}
	x := newExecution(req)
	code, err := e.connect(ctx, x, append([]string{"sh", "-c", wrap, "sh", req.Token}, req.Command...), grace)
	if missingProgram(err) && !x.begun() {
		return e.execUntil(ctx, req, func(<-chan struct{}) error { return ErrNoShell })
	}
	if _, lost := errors.AsType[*LostError](err); lost && ctx.Err() == nil {
		return e.goOn(ctx, x, err, grace)
	}
	return code, err
}

// Reattach goes on with a program that another process has started with that token, and is otherwise
// Exec: it passes on what the program has printed from its beginning. A program of which nothing is left
// is a *LostError.
func (e Executor) Reattach(ctx context.Context, req Request, grace time.Duration) (int, error) {
	return e.goOn(ctx, newExecution(req), errors.New("the process that started the command is no more"), grace)
}

// apiPatience is how long a program whose connection was lost is looked for while the cluster cannot be
// reached.
const apiPatience = 2 * time.Minute

// goOn comes back to a program until its end is known. lost is why the connection ended.
func (e Executor) goOn(ctx context.Context, x *execution, lost error, grace time.Duration) (int, error) {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 5 * time.Second}
	giveUp := time.Now().Add(apiPatience)
	for {
		was := x.printed()
		code, err := e.connect(ctx, x, []string{"sh", "-c", comeBack, "sh", x.req.Token, strconv.FormatInt(x.stdout.n, 10), strconv.FormatInt(x.stderr.n, 10)}, grace)
		switch {
		case errors.Is(err, ErrStopped):
			return 0, err
		case x.marks.code != nil:
			if x.printed() > maxKeptOutput {
				x.note("after 16 MiB, what the command printed while the connection was lost is lost too")
			}
			return *x.marks.code, nil
		case x.marks.trace == "none":
			return 0, &LostError{fmt.Errorf("%w; in the container there is no trace of it", reason(lost))}
		case x.marks.trace == "gone":
			return 0, &LostError{fmt.Errorf("%w; the command is gone, and left no exit code", reason(lost))}
		case err == nil:
			return 0, &LostError{fmt.Errorf("%w; looking for the command ended with %d", reason(lost), code)}
		case apierrors.IsNotFound(err), apierrors.IsForbidden(err), missingProgram(err):
			return 0, &LostError{fmt.Errorf("%w; and then: %w", reason(lost), err)}
		}
		if x.marks.announced() || x.printed() > was {
			giveUp = time.Now().Add(apiPatience)
		}
		if time.Now().After(giveUp) {
			return 0, &LostError{fmt.Errorf("%w; and for %s the container could not be reached: %w", reason(lost), apiPatience, err)}
		}
		if retry.Pause(ctx, backoff.Step()) != nil {
			return 0, &LostError{context.Cause(ctx)}
		}
	}
}

// reason is why a connection was lost, without the words of LostError.
func reason(err error) error {
	if lost, ok := errors.AsType[*LostError](err); ok {
		return lost.Err
	}
	return err
}

// execution is a program and what has been read of it over all connections.
type execution struct {
	req            Request
	stdout, stderr *counted
	marks          *marks
}

func newExecution(req Request) *execution {
	return &execution{req: req, stdout: &counted{to: req.Stdout}, stderr: &counted{to: req.Stderr}}
}

// begun reports whether the program was started, as far as this process knows.
func (x *execution) begun() bool { return x.marks != nil && x.marks.announced() }

func (x *execution) printed() int64 { return x.stdout.n + x.stderr.n }

func (x *execution) note(text string) { _, _ = io.WriteString(x.req.Stderr, text+"\n") }

// counted counts what is passed on.
type counted struct {
	to io.Writer
	n  int64
}

// Write implements io.Writer.
func (c *counted) Write(data []byte) (int, error) {
	n, err := c.to.Write(data)
	c.n += int64(n)
	return n, err
}

// connect runs a command of ours around the program, until it ends or ctx is cancelled.
func (e Executor) connect(ctx context.Context, x *execution, command []string, grace time.Duration) (int, error) {
	answers, answer := io.Pipe()
	defer answer.Close() //nolint:errcheck // it never fails
	x.marks = newMarks(x.stderr, x.req.Token, func() {
		// The reader may be gone, and then nobody waits for it either.
		go func() { _, _ = io.WriteString(answer, "seen\n") }()
	})
	wrapped := x.req
	wrapped.Command, wrapped.stdin, wrapped.Stdout, wrapped.Stderr = command, answers, x.stdout, x.marks
	code, err := e.execUntil(ctx, wrapped, func(end <-chan struct{}) error {
		return e.stop(ctx, x.req, x.marks, end, grace)
	})
	x.marks.flush()
	return code, err
}

// execUntil runs exec, and stop when ctx is cancelled before it ends. The connection stays open
// meanwhile: it is what reports that the program has ended.
func (e Executor) execUntil(ctx context.Context, req Request, stop func(end <-chan struct{}) error) (int, error) {
	streaming, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
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
	hangUp()
	<-end
	if stopError != nil {
		return 0, &LostError{stopError}
	}
	return 0, ErrStopped
}

// stop ends the process group: TERM, and KILL when the program has ended or the grace is over,
// for what is left of the group.
func (e Executor) stop(ctx context.Context, req Request, pid *marks, end <-chan struct{}, grace time.Duration) error {
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
	if err := e.signal(ctx, req, signalGroup, "TERM", pid.id()); err != nil {
		return err
	}
	select {
	case <-end:
	case <-time.After(grace):
	}
	if err := e.signal(ctx, req, signalGroup+forget, "KILL", pid.id()); err != nil {
		return err
	}
	select {
	case <-end:
		return nil
	case <-time.After(grace):
		return errors.New("the program does not end, even when it is killed")
	}
}

func (e Executor) signal(ctx context.Context, req Request, script, name string, group int) error {
	req.Command = []string{"sh", "-c", script, "sh", name, strconv.Itoa(group), req.Token}
	req.Stdout, req.Stderr = io.Discard, io.Discard
	if _, err := e.stream(ctx, req); err != nil {
		return fmt.Errorf("sending %s: %w", name, err)
	}
	return nil
}

func newToken() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return fmt.Sprintf("kubectl-tasks-%x", random)
}
