package retry

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
)

// AnswerLost reports whether the effect of the request is unknown, or the server had an internal problem. Without a
// connection the request has no effect; see Unreachable.
func AnswerLost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || Unreachable(err) {
		return false
	}
	if network := net.Error(nil); errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)
}

// Unreachable reports whether there was no connection to the server.
func Unreachable(err error) bool {
	dial := (*net.OpError)(nil)
	return errors.As(err, &dial) && dial.Op == "dial"
}

// Refused reports whether the same request would get the same answer again.
func Refused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsNotFound(err)
}

// Backoff returns the pauses between requests: 20 ms at first, then longer, at most 5 s.
func Backoff() *wait.Backoff {
	return &wait.Backoff{Duration: 20 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 20, Cap: 5 * time.Second}
}

// Pause waits for d. The error is the cause of ctx when ctx ends first.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
