package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Request says what to run where. The program's standard input is empty.
type Request struct {
	Namespace, Pod, Container string
	// Command is the program and its arguments; there is no shell.
	Command []string
	// Stdout and Stderr take what the program prints, as it comes. When they block, so does the
	// program.
	Stdout, Stderr io.Writer
	// Token names the program in its container, so that another process can go on with it; empty when
	// none will.
	Token string

	// stdin is what we tell the shell around the program; nil when there is none.
	stdin io.Reader
}

// Executor runs programs in the containers of a cluster.
type Executor struct{ Client *kube.Client }

// RefusedError means that the program did not start: the server said so.
type RefusedError struct{ Err error }

// Error returns the server's reason.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the server's reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// LostError means that nobody told how the program ended: it may have succeeded, failed, or
// still run.
type LostError struct{ Err error }

// Error says that the result is not known, and why.
func (e *LostError) Error() string {
	return fmt.Sprintf("connection lost; result unknown, the command may still be running: %v", e.Err)
}

// Unwrap returns what happened to the connection.
func (e *LostError) Unwrap() error { return e.Err }

// errNoStatus is a stream that ended in good order without a word about the program. client-go
// takes that for success (tools/remotecommand/errorstream.go; kubernetes/kubectl#1726).
var errNoStatus = errors.New("the stream ended without a status")

// exec runs the program and returns the exit code that the server reported. The error is a
// *RefusedError or a *LostError; the latter also when ctx is cancelled, because closing the
// connection does not end the program (kubernetes/kubernetes#89031).
func (e Executor) stream(ctx context.Context, req Request) (int, error) {
	config, err := e.Client.RESTConfig()
	if err != nil {
		return 0, &RefusedError{err}
	}
	target, err := e.execURL(req)
	if err != nil {
		return 0, &RefusedError{err}
	}
	status, err := webSocketExec(ctx, config, target, req)
	if httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) {
		// An old server, a proxy that knows no WebSockets, or a role that allows pods/exec to be
		// created and not to be got. kubectl decides in the same way.
		overWebSocket := err
		status, err = spdyExec(ctx, config, target, req)
		if _, refused := errors.AsType[*RefusedError](err); refused {
			// What SPDY is refused with is text only; prefer the server's own status.
			if cause := upgradeCause(overWebSocket); apierrors.ReasonForError(cause) != metav1.StatusReasonUnknown {
				err = &RefusedError{cause}
			}
		}
	}
	if err != nil {
		return 0, classify(err)
	}
	return decodeStatus(status)
}

// upgradeCause returns why a connection could not become a stream; the library's error does not
// unwrap.
func upgradeCause(err error) error {
	if upgrade, ok := errors.AsType[*httpstream.UpgradeFailureError](err); ok {
		return upgrade.Cause
	}
	return err
}

func (e Executor) execURL(req Request) (*url.URL, error) {
	client, err := e.Client.Interface()
	if err != nil {
		return nil, err
	}
	return client.CoreV1().RESTClient().Post().
		Resource("pods").Namespace(req.Namespace).Name(req.Pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: req.Container,
			Command:   req.Command,
			Stdin:     req.stdin != nil,
			Stdout:    true,
			Stderr:    true,
		}, scheme.ParameterCodec).URL(), nil
}

// classify tells an attempt that never began from one that was lost on the way.
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

// decodeStatus reads the status that the server sends at the end, a metav1.Status in JSON
// (protocol v4 and later, k8s.io/apimachinery/pkg/util/remotecommand).
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

// neverStarted recognises the words of container runtimes for a program that was not started.
// Text is all they give; any other failure may have come while the program ran.
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
