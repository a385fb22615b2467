// Package fault stands between the program and a real API server, and breaks what is between them as a
// test tells it.
package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy forwards requests to an API server, with the rights of the kubeconfig that it was made from.
type Proxy struct {
	// URL is where it listens, without TLS.
	URL string

	mu    sync.Mutex
	conns map[*conn]bool
	rule  Rule
	dark  chan struct{} // closed when nothing is held back
	late  time.Duration
	rate  int
	seen  []string
}

// Fault is what happens to a request.
type Fault int

// The faults.
const (
	// Pass forwards the request.
	Pass Fault = iota
	// Busy answers 429 with Retry-After: 1.
	Busy
	// Broken answers 500.
	Broken
	// Gone answers 410.
	Gone
	// Refused answers 403.
	Refused
	// Lose has the server do it, and loses the answer: the connection is reset.
	Lose
)

// Rule decides what happens to a request.
type Rule func(r *http.Request) Fault

// New returns a proxy in front of the cluster of the kubeconfig, which stops with the test.
func New(t *testing.T, kubeconfig string) *Proxy {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.NextProtos = []string{"http/1.1"} // what becomes a stream cannot be multiplexed
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{conns: map[*conn]bool{}, dark: make(chan struct{})}
	close(p.dark)
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			// The server is out of reach, and so is the proxy.
			if c, ok := hijack(w); ok {
				c.reset()
			}
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: tracked{listener, p}, Config: &http.Server{Handler: p.handler(forward)}} //nolint:gosec // a slow client is our own test
	server.Start()
	p.URL = server.URL
	t.Cleanup(func() {
		p.Light()
		p.Cut()
		server.Config.Close() //nolint:errcheck // the end of the test
	})
	return p
}

func (p *Proxy) handler(forward http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		rule := p.rule
		p.seen = append(p.seen, r.Method+" "+r.URL.Path)
		p.mu.Unlock()
		fault := Pass
		if rule != nil {
			fault = rule(r)
		}
		switch fault {
		case Pass:
			forward.ServeHTTP(w, r)
		case Busy:
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusTooManyRequests, "TooManyRequests")
		case Broken:
			answer(w, http.StatusInternalServerError, "InternalError")
		case Gone:
			answer(w, http.StatusGone, "Expired")
		case Refused:
			answer(w, http.StatusForbidden, "Forbidden")
		case Lose:
			forward.ServeHTTP(httptest.NewRecorder(), r)
			if c, ok := hijack(w); ok {
				c.reset()
			}
		}
	})
}

func answer(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"the proxy says so","reason":%q,"code":%d}`, reason, code)
}

// hijack takes the connection of a request.
func hijack(w http.ResponseWriter) (*conn, bool) {
	taken, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, false
	}
	c, ok := taken.(*conn)
	return c, ok
}

// Break has a rule decide from now on; nil lets everything pass.
func (p *Proxy) Break(rule Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// Cut resets every connection, and returns how many there were.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.conns)
	for c := range p.conns {
		c.reset()
	}
	return n
}

// Dark holds every byte back in both directions, on connections that stay open, until Light.
func (p *Proxy) Dark() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dark = make(chan struct{})
}

// Light ends Dark.
func (p *Proxy) Light() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.dark:
	default:
		close(p.dark)
	}
}

// Slow has each piece that is sent or received come late, and lets a connection carry so many bytes a second;
// zeros end it.
func (p *Proxy) Slow(late time.Duration, rate int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late, p.rate = late, rate
}

// Seen returns the requests so far, each as its method and path.
func (p *Proxy) Seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.seen...)
}

// Kubeconfig returns the path of a kubeconfig that leads through the proxy.
func (p *Proxy) Kubeconfig(t *testing.T, namespace string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: p.URL}
	config.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "c", Namespace: namespace}
	config.AuthInfos["c"] = &clientcmdapi.AuthInfo{}
	config.CurrentContext = "c"
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tracked is a listener whose connections the proxy knows.
type tracked struct {
	net.Listener

	proxy *Proxy
}

// Accept implements net.Listener.
func (t tracked) Accept() (net.Conn, error) {
	accepted, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: accepted, proxy: t.proxy, closed: make(chan struct{})}
	t.proxy.mu.Lock()
	t.proxy.conns[c] = true
	t.proxy.mu.Unlock()
	return c, nil
}

// conn is a connection of the proxy.
type conn struct {
	net.Conn

	proxy  *Proxy
	once   sync.Once
	closed chan struct{}
}

// wait returns when nothing is held back, and so many bytes may pass.
func (c *conn) wait(n int) error {
	c.proxy.mu.Lock()
	dark, late := c.proxy.dark, c.proxy.late
	if c.proxy.rate > 0 {
		late += time.Duration(n) * time.Second / time.Duration(c.proxy.rate)
	}
	c.proxy.mu.Unlock()
	if late > 0 {
		select {
		case <-time.After(late):
		case <-c.closed:
			return net.ErrClosed
		}
	}
	select {
	case <-dark:
		return nil
	case <-c.closed:
		return net.ErrClosed
	}
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if held := c.wait(n); held != nil {
		return 0, held
	}
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.wait(len(b)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.proxy.mu.Lock()
	delete(c.proxy.conns, c)
	c.proxy.mu.Unlock()
	return c.Conn.Close()
}

// reset ends the connection without a farewell.
func (c *conn) reset() {
	c.once.Do(func() { close(c.closed) })
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	if err := c.Conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, context.Canceled) {
		return
	}
}
