package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

// AmbiguousError means that nobody knows whether an object was made: the server's answer was lost, and
// it could not be asked afterwards.
type AmbiguousError struct{ Err error }

// Error says what is not known, and why.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("it is not known whether it was made: %v", e.Err)
}

// Unwrap returns why the server could not be asked.
func (e *AmbiguousError) Unwrap() error { return e.Err }

// createOnce makes an object whose name nobody else chooses. An answer that got lost on its way leaves
// it open whether the object was made, so the server is asked for it; an object of that name that
// carries the labels of the wanted one is it. What the server had no time for, or a webhook did not answer to,
// is tried again. The error is the server's, or an *AmbiguousError when ctx ends before the server could be
// asked about an answer that was lost.
func createOnce[T metav1.Object](ctx context.Context, wanted T, create, get func() (T, error)) (T, error) {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 5 * time.Second}
	var lost error
	open := false
	for {
		failpoint.Point("before an object is made")
		made, err := create()
		failpoint.Point("after an object is made")
		switch {
		case err == nil:
			return made, nil
		case apierrors.IsAlreadyExists(err):
			live, other := get()
			if other == nil && maps.Equal(live.GetLabels(), wanted.GetLabels()) && live.GetDeletionTimestamp() == nil {
				return live, nil
			}
			if other == nil || !unanswered(other) {
				return made, err
			}
			lost = err
		case !unanswered(err):
			return made, err
		default:
			lost = err
		}
		open = open || !notDone(lost)
		if retry.Pause(ctx, backoff.Step()) != nil {
			if !open {
				return made, lost
			}
			return made, &AmbiguousError{lost}
		}
	}
}

// unanswered reports whether an error leaves open what the server did: the connection was lost, or the
// server gave up itself.
func unanswered(err error) bool {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsServiceUnavailable(err) ||
			apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)
	}
	return true
}

// notDone reports whether an error that may pass says that the object was not made: admission comes before
// anything is stored (k8s.io/apiserver, plugin/webhook/errors).
func notDone(err error) bool {
	return apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook")
}
