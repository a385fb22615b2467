package exec

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Executor runs programs in the containers of a cluster.
type Executor struct{ Client *kube.Client }

// Request is a program and the container to run it in. Its standard input is empty.
type Request struct {
	Namespace, Pod, Container string
	// Command is the program and its arguments; there is no shell.
	Command []string
	// Stdout and Stderr receive the output as the program prints it. When they block, the program blocks.
	Stdout, Stderr io.Writer
	// Token names the program in its container, so that another process can reattach to it; Exec chooses one when it is
	// empty.
	Token string

	// stdin goes to the script around the program; nil when there is none.
	stdin io.Reader
}

// RefusedError means that the server refused to start the program.
type RefusedError struct{ Err error }

// Error returns the server's reason.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the server's reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// LostError means that the result of the program is unknown: it may have succeeded, failed, or still be running.
type LostError struct{ Err error }

// Error says that the result is unknown, and why.
func (e *LostError) Error() string {
	return fmt.Sprintf("connection lost; result unknown, the command may still be running: %v", e.Err)
}

// Unwrap returns the error of the connection.
func (e *LostError) Unwrap() error { return e.Err }

// ErrStopped means that the program was stopped because ctx was cancelled.
var ErrStopped = errors.New("stopped")

// ErrNoShell means that the program could not be stopped because its image has no shell.
var ErrNoShell = errors.New("the image has no shell, so the program cannot be stopped")

// Exec runs a program in a container and returns its exit code: the one that the server reported or, when the
// connection was lost before that, the one that the program left in the container. The error is a *RefusedError when
// the program did not start, a *LostError when its result is unknown, and ErrStopped after ctx was cancelled: then the
// program's process group gets TERM and, after the grace, KILL.
//
// An image without a shell runs the program too, but then cancelling ctx gives a *LostError with ErrNoShell, and a lost
// connection gives a *LostError.
func (e Executor) Exec(ctx context.Context, req Request, grace time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, &RefusedError{context.Cause(ctx)}
	}
	if req.Token == "" {
		req.Token = newToken()
	}
	x := newExecution(req)
	code, err := e.connect(ctx, x, append([]string{"sh", "-c", runScript, "sh", req.Token}, req.Command...), grace)
	if missingProgram(err) && !x.started() {
		return e.execUntil(ctx, req, func(<-chan struct{}) error { return ErrNoShell })
	}
	if _, lost := errors.AsType[*LostError](err); lost && ctx.Err() == nil {
		return e.reconnect(ctx, x, err, grace)
	}
	return code, err
}

// newToken returns a random name for a program.
func newToken() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return fmt.Sprintf("kubectl-tasks-%x", random)
}
