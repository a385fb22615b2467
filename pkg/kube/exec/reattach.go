package exec

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

// Reattach is Exec for a program that another process has started with that token: it returns all output from the
// program's beginning. The error is a *LostError when nothing is left of the program.
func (e Executor) Reattach(ctx context.Context, req Request, grace time.Duration) (int, error) {
	return e.reconnect(ctx, newExecution(req), errors.New("the process that started the command has exited"), grace)
}

// reconnectTimeout limits how long a lost program is looked for while the cluster cannot be reached.
const reconnectTimeout = 2 * time.Minute

// reconnect reconnects to a program until its result is known. lost is why the connection ended.
func (e Executor) reconnect(ctx context.Context, x *execution, lost error, grace time.Duration) (int, error) {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 5 * time.Second}
	giveUp := time.Now().Add(reconnectTimeout)
	for {
		was := x.printed()
		code, err := e.connect(ctx, x, []string{"sh", "-c", reattachScript, "sh", x.req.Token, strconv.FormatInt(x.stdout.n, 10), strconv.FormatInt(x.stderr.n, 10)}, grace)
		switch {
		case errors.Is(err, ErrStopped):
			return 0, err
		case x.marks.code != nil:
			if x.printed() > maxKeptOutput {
				x.note("the command printed more than 16 MiB; output from the time without a connection is lost")
			}
			return *x.marks.code, nil
		case x.marks.trace == "none":
			return 0, &LostError{fmt.Errorf("%w; the container has no trace of the command", reason(lost))}
		case x.marks.trace == "gone":
			return 0, &LostError{fmt.Errorf("%w; the command has exited without recording its exit code", reason(lost))}
		case err == nil:
			return 0, &LostError{fmt.Errorf("%w; the search for the command exited with %d", reason(lost), code)}
		case apierrors.IsNotFound(err), apierrors.IsForbidden(err), missingProgram(err):
			return 0, &LostError{fmt.Errorf("%w; then: %w", reason(lost), err)}
		}
		if x.marks.started() || x.printed() > was {
			giveUp = time.Now().Add(reconnectTimeout)
		}
		if time.Now().After(giveUp) {
			return 0, &LostError{fmt.Errorf("%w; the container was unreachable for %s: %w", reason(lost), reconnectTimeout, err)}
		}
		if retry.Pause(ctx, backoff.Step()) != nil {
			return 0, &LostError{context.Cause(ctx)}
		}
	}
}

// reason returns why a connection was lost, without the text of LostError.
func reason(err error) error {
	if lost, ok := errors.AsType[*LostError](err); ok {
		return lost.Err
	}
	return err
}
