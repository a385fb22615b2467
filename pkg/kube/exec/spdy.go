package exec

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// spdyExec runs the program over SPDY, for older servers and proxies without WebSockets, and returns the raw status.
func spdyExec(ctx context.Context, config *rest.Config, target *url.URL, req Request) ([]byte, error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: withContext{ctx, transport}}
	conn, protocol, err := spdy.NewDialerForStreaming(upgrader, client, http.MethodPost, target).
		Dial(remotecommand.StreamProtocolV5Name, remotecommand.StreamProtocolV4Name)
	if err != nil {
		// The node starts the program when the streams exist. There are none yet.
		return nil, &RefusedError{err}
	}
	defer func() { _ = conn.Close() }()
	if protocol != remotecommand.StreamProtocolV5Name && protocol != remotecommand.StreamProtocolV4Name {
		return nil, fmt.Errorf("the server speaks the exec protocol %q, which does not report exit codes", protocol)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	streams := map[string]httpstream.Stream{}
	if req.stdin != nil {
		stream, err := conn.CreateStream(http.Header{corev1.StreamType: []string{corev1.StreamTypeStdin}})
		if err != nil {
			return nil, err
		}
		go func() { _, _ = io.Copy(stream, req.stdin) }()
	}
	for _, kind := range []string{corev1.StreamTypeError, corev1.StreamTypeStdout, corev1.StreamTypeStderr} {
		stream, err := conn.CreateStream(http.Header{corev1.StreamType: []string{kind}})
		if err != nil {
			return nil, err
		}
		// This side writes nothing.
		if err := stream.Close(); err != nil {
			return nil, err
		}
		streams[kind] = stream
	}
	var (
		group  errgroup.Group
		status []byte
	)
	group.Go(func() (err error) {
		status, err = io.ReadAll(io.LimitReader(streams[corev1.StreamTypeError], maxStatus))
		return err
	})
	group.Go(func() error {
		_, err := io.Copy(req.Stdout, streams[corev1.StreamTypeStdout])
		return err
	})
	group.Go(func() error {
		_, err := io.Copy(req.Stderr, streams[corev1.StreamTypeStderr])
		return err
	})
	if err := group.Wait(); err != nil && len(status) == 0 {
		return nil, err
	}
	return status, nil
}

// withContext adds a context to requests, for a dialer that takes none.
type withContext struct {
	ctx  context.Context
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (w withContext) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.next.RoundTrip(r.WithContext(w.ctx))
}
