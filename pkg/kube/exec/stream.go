package exec

import (
	"context"
	"errors"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/streaming/pkg/httpstream"
)

// stream runs the program and returns the exit code that the server reported. The error is a *RefusedError or a
// *LostError; the latter also when ctx is cancelled, because closing the connection does not end the program
// (kubernetes/kubernetes#89031).
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
		// The server is old, a proxy does not support WebSockets, or the user may create pods/exec but not get it.
		// kubectl decides in the same way.
		overWebSocket := err
		status, err = spdyExec(ctx, config, target, req)
		if _, refused := errors.AsType[*RefusedError](err); refused {
			// SPDY gives the refusal as text only. Prefer the server's status.
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

// execURL returns the address of the pod's subresource exec, with the request as its parameters.
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

// upgradeCause returns why a connection could not be upgraded; the error of the library does not unwrap.
func upgradeCause(err error) error {
	if upgrade, ok := errors.AsType[*httpstream.UpgradeFailureError](err); ok {
		return upgrade.Cause
	}
	return err
}
