package exec

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	gorilla "github.com/gorilla/websocket"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport/websocket"
)

// The channels of the protocol v5.channel.k8s.io: the first byte of each message.
const (
	channelStdin  = 0
	channelStdout = 1
	channelStderr = 2
	channelStatus = 3
)

const (
	pingPeriod = 5 * time.Second
	// silenceTimeout is the time without any message after which a connection counts as lost.
	silenceTimeout = 20 * time.Second
	// closeTimeout is how long the server may take to close the connection after it has sent the status.
	closeTimeout = 5 * time.Second
	// maxStatus is larger than any status.
	maxStatus = 1 << 20
)

// webSocketExec runs the program over a WebSocket and returns the raw status.
func webSocketExec(ctx context.Context, config *rest.Config, target *url.URL, req Request) ([]byte, error) {
	transport, holder, err := websocket.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	conn, err := websocket.Negotiate(transport, holder, request, remotecommand.StreamProtocolV5Name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if req.stdin != nil {
		go writeStdin(conn, req.stdin)
	}
	return readChannels(conn, req, silenceTimeout)
}

// writeStdin sends stdin until it or the connection ends.
func writeStdin(conn *gorilla.Conn, stdin io.Reader) {
	message := make([]byte, 1+256)
	message[0] = channelStdin
	for {
		n, err := stdin.Read(message[1:])
		if n > 0 && conn.WriteMessage(gorilla.BinaryMessage, message[:1+n]) != nil || err != nil {
			return
		}
	}
}

// readChannels copies the output to the request's writers until the server closes the connection, and returns the
// status. Its memory does not grow with the output.
func readChannels(conn *gorilla.Conn, req Request, silence time.Duration) ([]byte, error) {
	done := make(chan struct{})
	defer close(done)
	go keepAlive(conn, done)
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(silence)) })

	var status []byte
	buffer := make([]byte, 32<<10)
	for {
		// Reset the deadline before each message: while a slow reader blocks a Write below, no pong is read either,
		// although the connection works.
		limit := silence
		if status != nil {
			limit = min(silence, closeTimeout)
		}
		if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
			return status, lostUnless(status, err)
		}
		_, message, err := conn.NextReader()
		if err != nil {
			return status, lostUnless(status, err)
		}
		if _, err := io.ReadFull(message, buffer[:1]); err != nil {
			return status, lostUnless(status, err)
		}
		switch buffer[0] {
		case channelStdout:
			_, err = io.CopyBuffer(onlyWriter{req.Stdout}, message, buffer)
		case channelStderr:
			_, err = io.CopyBuffer(onlyWriter{req.Stderr}, message, buffer)
		case channelStatus:
			var part []byte
			part, err = io.ReadAll(io.LimitReader(message, maxStatus))
			if status = append(status, part...); len(status) > maxStatus {
				err = fmt.Errorf("the status is larger than %d bytes", maxStatus)
			}
		}
		if err != nil {
			return status, lostUnless(status, err)
		}
	}
}

// lostUnless returns nil when the status was received, because the result is known then; otherwise the connection's
// error.
func lostUnless(status []byte, err error) error {
	if len(status) > 0 || gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
		return nil
	}
	return err
}

// keepAlive pings the server until done is closed. Its writes may be concurrent with reads.
func keepAlive(conn *gorilla.Conn, done <-chan struct{}) {
	ticker := time.NewTicker(pingPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			if conn.WriteControl(gorilla.PingMessage, nil, time.Now().Add(pingPeriod)) != nil {
				return
			}
		}
	}
}

// onlyWriter hides the ReadFrom of a writer, which would not use our buffer.
type onlyWriter struct{ io.Writer }
