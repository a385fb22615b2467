package exec

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// errNoStatus is a stream that was closed normally without a status of the program. client-go takes that for success
// (tools/remotecommand/errorstream.go; kubernetes/kubectl#1726).
var errNoStatus = errors.New("the stream ended without a status")

// classify returns a *RefusedError for an attempt that never started, and a *LostError for one that was lost on the
// way.
func classify(err error) error {
	var (
		status  apierrors.APIStatus
		dial    *net.OpError
		refused *RefusedError
	)
	switch {
	case errors.As(err, &refused):
		return err
	case errors.As(err, &status), httpstream.IsUpgradeFailure(err):
		return &RefusedError{err}
	case errors.As(err, &dial) && dial.Op == "dial":
		return &RefusedError{err}
	}
	return &LostError{err}
}

// decodeStatus returns the exit code in the status that the server sends last, a metav1.Status in JSON (protocol v4 and
// later, k8s.io/apimachinery/pkg/util/remotecommand).
func decodeStatus(message []byte) (int, error) {
	if len(message) == 0 {
		return 0, &LostError{errNoStatus}
	}
	var status metav1.Status
	if err := json.Unmarshal(message, &status); err != nil {
		return 0, &LostError{fmt.Errorf("the server's status cannot be read: %w", err)}
	}
	switch {
	case status.Status == metav1.StatusSuccess:
		return 0, nil
	case status.Status == metav1.StatusFailure && status.Reason == remotecommand.NonZeroExitCodeReason && status.Details != nil:
		for _, cause := range status.Details.Causes {
			if cause.Type != remotecommand.ExitCodeCauseType {
				continue
			}
			if code, err := strconv.ParseUint(cause.Message, 10, 31); err == nil {
				return int(code), nil
			}
		}
	case neverStarted(status.Message):
		return 0, &RefusedError{errors.New(status.Message)}
	}
	return 0, &LostError{fmt.Errorf("the server reports %q", status.Message)}
}

// neverStarted recognises the messages of container runtimes for a program that was not started. The runtimes report
// them as text only. Any other failure may have occurred while the program ran.
func neverStarted(message string) bool {
	for _, words := range []string{
		"executable file not found", "no such file or directory", "permission denied",
		"OCI runtime exec failed", "failed to start exec", "container not found", "is not created or running",
	} {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}

// missingProgram reports whether the server refused because the image has no such program.
func missingProgram(err error) bool {
	var refused *RefusedError
	if !errors.As(err, &refused) {
		return false
	}
	text := refused.Error()
	return strings.Contains(text, "executable file not found") || strings.Contains(text, "no such file or directory")
}
