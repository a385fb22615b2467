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

// AmbiguousError means that it is unknown whether an object was created: the answer of the server was lost, and the
// server could not be asked again.
type AmbiguousError struct{ Err error }

// Error says that the result is unknown, and why.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("unknown result: the object may have been created: %v", e.Err)
}

// Unwrap returns the error of the last request.
func (e *AmbiguousError) Unwrap() error { return e.Err }

// createOnce creates an object with a name that no other client chooses. After a lost answer it gets the object: one
// with the name and the labels of the wanted one is it. It tries again after a timeout of the server or of a webhook.
// The error is the server's, or an *AmbiguousError when ctx ends before a lost answer is resolved.
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
		open = open || !notCreated(lost)
		if retry.Pause(ctx, backoff.Step()) != nil {
			if !open {
				return made, lost
			}
			return made, &AmbiguousError{lost}
		}
	}
}

// unanswered reports whether it is unknown what the server did: the connection was lost, or the server reports a
// problem of its own.
func unanswered(err error) bool {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsServiceUnavailable(err) ||
			apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)
	}
	return true
}

// notCreated reports whether a temporary error means that the object was not created: admission comes before storage
// (k8s.io/apiserver, plugin/webhook/errors).
func notCreated(err error) bool {
	return apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook")
}
