//go:build e2e

package e2e

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// front passes connections on to the API server until it is cut.
type front struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	conns    []net.Conn
}

// newFront starts a front and returns it with the address of the server behind it.
func newFront(t *testing.T) (*front, *url.URL) {
	t.Helper()
	_, server := apiServer(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{listener: listener, target: server.Host}
	t.Cleanup(func() { _ = listener.Close(); f.cut() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.pass(conn)
		}
	}()
	return f, server
}

func (f *front) url() string { return "https://" + f.listener.Addr().String() }

func (f *front) pass(conn net.Conn) {
	server, err := net.Dial("tcp", f.target)
	if err != nil {
		_ = conn.Close()
		return
	}
	f.mu.Lock()
	f.conns = append(f.conns, conn, server)
	f.mu.Unlock()
	go func() { _, _ = io.Copy(server, conn) }()
	go func() { _, _ = io.Copy(conn, server) }()
}

// cut resets every connection.
func (f *front) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	f.conns = nil
}

// apiServer returns how to reach the API server, and its address.
func apiServer(t *testing.T) (*rest.Config, *url.URL) {
	t.Helper()
	config, err := newClient(nil).RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	return config, server
}
