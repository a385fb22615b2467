package kube

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestDeleteExactly: a request without an answer is sent again, a limited number of times; one with an answer is not.
func TestDeleteExactly(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	lost, gone := errors.New("connection reset"), apierrors.NewNotFound(pods, "a")
	for name, tt := range map[string]struct {
		answers []error
		tries   int
		fails   bool
	}{
		"at once":      {[]error{nil}, 1, false},
		"gone":         {[]error{gone}, 1, false},
		"another one":  {[]error{apierrors.NewConflict(pods, "a", nil)}, 1, false},
		"answer lost":  {[]error{lost, gone}, 2, false},
		"busy":         {[]error{apierrors.NewInternalError(lost), apierrors.NewTooManyRequests("later", 1), nil}, 3, false},
		"forbidden":    {[]error{apierrors.NewForbidden(pods, "a", nil)}, 1, true},
		"out of reach": {[]error{lost, lost, lost, lost, lost, lost, lost}, maxDeletes, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, began := 0, time.Now()
				err := deleteExactly(t.Context(), func() error { tries++; return tt.answers[tries-1] })
				if (err != nil) != tt.fails || tries != tt.tries || time.Since(began) > 8*time.Second {
					t.Errorf("%v after %d tries and %s", err, tries, time.Since(began))
				}
			})
		})
	}
}
