package exec

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

const (
	success = `{"status":"Success"}`
	exit3   = `{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}`
)

// server plays an API server whose exec endings a real one does not show on request.
func server(t *testing.T, play func(*gorilla.Conn)) Executor {
	t.Helper()
	upgrader := gorilla.Upgrader{Subprotocols: []string{"v5.channel.k8s.io"}}
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		defer conn.Close() //nolint:errcheck // the client may be gone
		play(conn)
	})
}

func serve(t *testing.T, handler http.HandlerFunc) Executor {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	flags := genericclioptions.NewConfigFlags(false)
	flags.APIServer = &s.URL
	return Executor{kube.NewClient(flags)}
}

func send(conn *gorilla.Conn, channel byte, data string) {
	_ = conn.WriteMessage(gorilla.BinaryMessage, append([]byte{channel}, data...))
}

func bye(conn *gorilla.Conn) {
	_ = conn.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, ""), time.Now().Add(time.Second))
}

func reset(conn *gorilla.Conn) {
	if tcp, ok := conn.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.NetConn().Close()
}

func TestExec(t *testing.T) {
	tests := []struct {
		name string
		play func(*gorilla.Conn)
		code int
		// err is the type of the error: "", "refused" or "lost".
		err    string
		stdout string
		stderr string
	}{
		{
			name:   "success",
			play:   func(c *gorilla.Conn) { send(c, 1, "out"); send(c, 2, "err"); send(c, 3, success); bye(c) },
			stdout: "out", stderr: "err",
		},
		{name: "exit code", play: func(c *gorilla.Conn) { send(c, 3, exit3); bye(c) }, code: 3},
		{name: "output after the status", play: func(c *gorilla.Conn) { send(c, 3, success); send(c, 1, "late"); bye(c) }, stdout: "late"},
		{name: "status, then cut", play: func(c *gorilla.Conn) { send(c, 3, exit3); reset(c) }, code: 3},
		{name: "cut before the status", play: func(c *gorilla.Conn) { send(c, 1, "half"); reset(c) }, err: "lost", stdout: "half"},
		{name: "closed in good order without a status", play: func(c *gorilla.Conn) { send(c, 1, "x"); bye(c) }, err: "lost", stdout: "x"},
		{name: "empty status", play: func(c *gorilla.Conn) { send(c, 3, ""); bye(c) }, err: "lost"},
		{name: "status that is no JSON", play: func(c *gorilla.Conn) { send(c, 3, "what"); bye(c) }, err: "lost"},
		{name: "failure without an exit code", play: func(c *gorilla.Conn) { send(c, 3, `{"status":"Failure","message":"transport is closing"}`); bye(c) }, err: "lost"},
		{
			name: "the runtime could not start it",
			play: func(c *gorilla.Conn) {
				send(c, 3, `{"status":"Failure","reason":"InternalError","message":"OCI runtime exec failed: permission denied"}`)
				bye(c)
			},
			err: "refused",
		},
		{name: "binary, no final newline", play: func(c *gorilla.Conn) { send(c, 1, "\x00\xff\x1b[31m"); send(c, 3, success); bye(c) }, stdout: "\x00\xff\x1b[31m"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := server(t, tt.play)
			var stdout, stderr bytes.Buffer
			code, err := client.stream(t.Context(), Request{Namespace: "ns", Pod: "p", Container: "c", Command: []string{"x"}, Stdout: &stdout, Stderr: &stderr})
			if code != tt.code || kindOf(err) != tt.err {
				t.Errorf("code %d, error %v (%s); want %d, %q", code, err, kindOf(err), tt.code, tt.err)
			}
			if stdout.String() != tt.stdout || stderr.String() != tt.stderr {
				t.Errorf("printed %q and %q, want %q and %q", &stdout, &stderr, tt.stdout, tt.stderr)
			}
		})
	}
}

func kindOf(err error) string {
	var (
		refused *RefusedError
		lost    *LostError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &lost):
		return "lost"
	}
	return err.Error()
}

func TestExecRefused(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"pods \"p\" is forbidden"}`)
	})
	_, err := client.stream(t.Context(), Request{Namespace: "ns", Pod: "p", Stdout: io.Discard, Stderr: io.Discard})
	if kindOf(err) != "refused" || !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `pods "p" is forbidden`) {
		t.Errorf("error %v, want the server's refusal", err)
	}
}

func TestExecUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	_ = listener.Close()
	flags := genericclioptions.NewConfigFlags(false)
	flags.APIServer = &address
	_, err = Executor{kube.NewClient(flags)}.stream(t.Context(), Request{Namespace: "ns", Pod: "p", Stdout: io.Discard, Stderr: io.Discard})
	if kindOf(err) != "refused" {
		t.Errorf("a server that cannot be reached: %v", err)
	}
}

// TestReadChannelsSilence: a connection without any message is lost; one whose reader is slower than the limit is not.
func TestReadChannelsSilence(t *testing.T) {
	const limit = 100 * time.Millisecond
	t.Run("silent server", func(t *testing.T) {
		stay := make(chan struct{})
		t.Cleanup(func() { close(stay) })
		_, err := readFrom(t, func(c *gorilla.Conn) { send(c, 1, "x"); <-stay }, io.Discard, limit)
		if err == nil {
			t.Error("a silent server was not noticed")
		}
	})
	t.Run("slow reader", func(t *testing.T) {
		status, err := readFrom(t, func(c *gorilla.Conn) {
			send(c, 1, "x")
			send(c, 3, success)
			bye(c)
		}, slowWriter(3*limit), limit)
		if err != nil || string(status) != success {
			t.Errorf("status %q, error %v", status, err)
		}
	})
}

// slowWriter takes that long for each write.
type slowWriter time.Duration

func (w slowWriter) Write(p []byte) (int, error) {
	<-time.After(time.Duration(w))
	return len(p), nil
}

// readFrom connects to a server that plays and reads its channels.
func readFrom(t *testing.T, play func(*gorilla.Conn), stdout io.Writer, silence time.Duration) ([]byte, error) {
	t.Helper()
	upgrader := gorilla.Upgrader{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // the client may be gone
		play(conn)
	}))
	t.Cleanup(s.Close)
	conn, response, err := gorilla.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	defer conn.Close() //nolint:errcheck // the server may be gone
	return readChannels(conn, Request{Stdout: stdout, Stderr: io.Discard}, silence)
}

// TestExecMemory: output does not accumulate in memory. A quarter of a GiB passes with less than 32 MiB of heap in use.
func TestExecMemory(t *testing.T) {
	const size = 256 << 20
	client := server(t, func(c *gorilla.Conn) {
		piece := append([]byte{1}, make([]byte, 32<<10)...)
		for range size / (32 << 10) {
			if c.WriteMessage(gorilla.BinaryMessage, piece) != nil {
				return
			}
		}
		send(c, 3, success)
		bye(c)
	})
	var most uint64
	sum := sha256.New()
	n := 0
	_, err := client.stream(t.Context(), Request{Namespace: "ns", Pod: "p", Stderr: io.Discard, Stdout: writerFunc(func(p []byte) (int, error) {
		if n += len(p); n%(16<<20) < len(p) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		return sum.Write(p)
	})})
	if err != nil || n != size {
		t.Fatalf("%d bytes, error %v", n, err)
	}
	if want := sha256.Sum256(make([]byte, size)); !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("the bytes are not those that were sent")
	}
	if most > 32<<20 {
		t.Errorf("%d MiB of heap in use", most>>20)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestMarks: the lines of the script are removed from the program's output, wherever they are, and nothing else is.
func TestMarks(t *testing.T) {
	tests := []struct {
		name  string
		write []string
		want  string
		told  string
	}{
		{"first line", []string{"tok pid 42\nerror\n"}, "error\n", "pid 42"},
		{"in parts", []string{"to", "k pi", "d 4", "2", "\nx"}, "x", "pid 42"},
		{"after a warning of the shell", []string{"sh: warning: locale\ntok pid 7\nrest"}, "sh: warning: locale\nrest", "pid 7"},
		{"only the first counts", []string{"tok pid 1\ntok pid 2\n"}, "tok pid 2\n", "pid 1"},
		{"never told", []string{"sh: not found"}, "sh: not found", ""},
		{"not a number", []string{"tok pid x\n"}, "tok pid x\n", ""},
		{"end", []string{"tok pid 1\nlast words\ntok end\n"}, "last words\n", "pid 1 end seen"},
		{"end after an unfinished line", []string{"tok pid 1\nlast wordstok en", "d\n"}, "last words", "pid 1 end seen"},
		{"code", []string{"tok pid 1\nxtok code 7\n"}, "x", "pid 1 end code 7 seen"},
		{"no trace", []string{"tok none\n"}, "", "none"},
		{"gone", []string{"tok pid 3\ntok gone\n"}, "", "pid 3 gone"},
		{"nearly a mark", []string{"to", "tok", "tok\ntok endless\n", "tok"}, "totoktok\ntok endless\ntok", ""},
		{"a mark without an end", []string{"tok " + strings.Repeat("y", maxMark), "z"}, "tok " + strings.Repeat("y", maxMark) + "z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			var told []string
			m := newMarks(&out, "tok", func() {})
			acknowledged := false
			m.acknowledge = func() { acknowledged = true }
			for _, w := range tt.write {
				if n, err := m.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatalf("Write: %d, %v", n, err)
				}
			}
			m.flush()
			if m.started() {
				told = append(told, fmt.Sprint("pid ", m.id()))
			}
			if m.ended {
				told = append(told, "end")
			}
			if m.code != nil {
				told = append(told, fmt.Sprint("code ", *m.code))
			}
			if acknowledged {
				told = append(told, "seen")
			}
			if m.trace != "" {
				told = append(told, m.trace)
			}
			if got := strings.Join(told, " "); out.String() != tt.want || got != tt.told {
				t.Errorf("passed on %.40q, told %q; want %.40q, %q", &out, got, tt.want, tt.told)
			}
		})
	}
}

// FuzzMarks: the result is the same however a stream is cut into pieces, and nothing is lost.
func FuzzMarks(f *testing.F) {
	f.Add([]byte("tok pid 42\nerror tok end\n"), uint8(3))
	f.Add([]byte("ttok tok code 3\ntok none\n"), uint8(1))
	f.Add([]byte("tok tok pid 1\ntok pid 1\n"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		var whole, parts bytes.Buffer
		a, b := newMarks(&whole, "tok", func() {}), newMarks(&parts, "tok", func() {})
		_, _ = a.Write(data)
		for piece := range slices.Chunk(data, 1+int(size)) {
			_, _ = b.Write(piece)
		}
		a.flush()
		b.flush()
		if !bytes.Contains(data, bytes.Repeat([]byte("tok "), 1)) && !bytes.Equal(whole.Bytes(), data) {
			t.Errorf("%q became %q", data, &whole)
		}
		long := false // a mark that is too long is one or none, depending on how it comes
		for line := range bytes.Lines(data) {
			long = long || len(line) >= maxMark
		}
		if !long && (!bytes.Equal(whole.Bytes(), parts.Bytes()) || a.pid != b.pid || a.ended != b.ended || a.trace != b.trace) {
			t.Errorf("%q: whole %q, in parts %q", data, &whole, &parts)
		}
	})
}

// TestExecStop simulates a container: the program runs until its group gets KILL, or TERM when it reacts to that.
func TestExecStop(t *testing.T) {
	for _, heeds := range []string{"TERM", "KILL"} {
		t.Run("heeds "+heeds, func(t *testing.T) {
			var (
				mu      sync.Mutex
				signals []string
			)
			ended := make(chan struct{})
			started := make(chan struct{})
			upgrader := gorilla.Upgrader{Subprotocols: []string{"v5.channel.k8s.io"}}
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				conn, err := upgrader.Upgrade(w, r, nil)
				if err != nil {
					return
				}
				defer conn.Close() //nolint:errcheck // the client may be gone
				command := r.URL.Query()["command"]
				if command[2] == runScript {
					send(conn, 2, command[4]+" pid 99\n")
					close(started)
					<-ended
					send(conn, 3, exit3)
				} else {
					mu.Lock()
					signals = append(signals, strings.Join(command[4:6], " "))
					mu.Unlock()
					if command[4] == heeds {
						close(ended)
					}
					send(conn, 3, success)
				}
				bye(conn)
			})
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-started; cancel() }()
			_, err := client.Exec(ctx, Request{Namespace: "ns", Pod: "p", Command: []string{"x"}, Stdout: io.Discard, Stderr: io.Discard}, 200*time.Millisecond)
			if !errors.Is(err, ErrStopped) {
				t.Errorf("error %v, want ErrStopped", err)
			}
			if got := strings.Join(signals, ", "); got != "TERM 99, KILL 99" {
				t.Errorf("signals %s", got)
			}
		})
	}
}

// FuzzStatus: only an explicit success is a success, and only an explicit exit code of the program is a failure.
func FuzzStatus(f *testing.F) {
	for _, s := range []string{success, exit3, "", "{}", `{"status":"Failure"}`, `{"status":"Success","code":500}`, `{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"-1"}]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		code, err := decodeStatus(message)
		switch kind := kindOf(err); {
		case err != nil && kind != "lost" && kind != "refused":
			t.Errorf("error %v", err)
		case err == nil && code == 0 && !bytes.Contains(bytes.ToLower(message), []byte("success")):
			t.Errorf("%q is a success", message)
		case err == nil && code < 0:
			t.Errorf("%q is code %d", message, code)
		}
	})
}
