package kube

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// maxDeletes is how often a deletion without an answer is requested. With the pauses that takes six seconds.
const maxDeletes = 6

// deleteExactly sends a request that deletes an object by its UID, and sends it again when the answer was lost. It is
// no error when the object does not exist, or when another one has its name.
func deleteExactly(ctx context.Context, request func() error) error {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: maxDeletes}
	return retry.OnError(backoff, func(err error) bool { return ctx.Err() == nil && unanswered(err) }, func() error {
		err := request()
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		return err
	})
}
