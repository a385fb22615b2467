package kube

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// deleteTries is how often the server is told to delete an object when it gives no answer; with the pauses
// between them that takes six seconds.
const deleteTries = 6

// deleteExactly has an object deleted, whose UID the request names, so that it can be made again when its
// answer was lost. That the object is gone, or another one of its name is there, is no error.
func deleteExactly(ctx context.Context, request func() error) error {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: deleteTries}
	return retry.OnError(backoff, func(err error) bool { return ctx.Err() == nil && unanswered(err) }, func() error {
		err := request()
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		return err
	})
}
