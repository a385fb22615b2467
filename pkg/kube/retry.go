package kube

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// Pause waits for the next step of the backoff. It returns nil then, and ctx's cause when ctx ends first.
func Pause(ctx context.Context, backoff *wait.Backoff) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(backoff.Step()):
		return nil
	}
}
