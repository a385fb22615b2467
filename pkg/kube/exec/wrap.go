package exec

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"
)

// places are where a program's traces may be, as the shell has them.
const places = `"${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm`

// wrap is run by the container's shell in the place of the program, whose arguments it does not touch. It
// tells its process id on standard error, which is that of the process group as well, because container
// runtimes start what is executed as the leader of one. What the program prints goes to the connection
// and to a file, so that neither its end nor its output is lost with the connection: who comes back finds
// both. When the connection says that the end was seen, they are removed. The files take 16 MiB each at
// most. A shell below the first one waits for the program, because a runtime that loses the connection may
// kill the first; what that shell itself has to say of the program's end is not the program's. An image that lacks what this takes has the program run without it.
const wrap = `t=$1; shift; d=
for p in ` + places + `; do mkdir -m 700 "$p/$t" 2>/dev/null && d=$p/$t && break; done
if [ -z "$d" ] || ! command -v tee >/dev/null 2>&1 || ! mkfifo "$d/1" "$d/2" 2>/dev/null; then
[ -z "$d" ] || rm -rf "$d"; echo "$t pid $$" >&2; exec "$@" </dev/null
fi
(
trap : 1 2 15
(trap '' 1 2 13 15 25; ulimit -f 32768 2>/dev/null; exec tee "$d/out" <"$d/1" 3>&-) & o=$!
(trap '' 1 2 13 15 25; ulimit -f 32768 2>/dev/null; exec tee "$d/err" <"$d/2" >&3) & e=$!
(exec "$@") </dev/null >"$d/1" 2>"$d/2" 3>&-
c=$?
wait $o $e
echo $c >"$d/c" && mv "$d/c" "$d/code"
) 3>&2 2>/dev/null & i=$!
echo "$$ $i" >"$d/p" && mv "$d/p" "$d/pid"
echo "$t pid $$" >&2
trap : 1 2 15
wait $i; while kill -0 $i 2>/dev/null; do wait $i; done
c=$(cat "$d/code" 2>/dev/null || echo 137)
echo "$t end" >&2
read a && [ "$a" = seen ] && rm -rf "$d"
exit $c`

// comeBack is run by the container's shell to go on with a program whose connection was lost: it passes on
// what the program printed after so many bytes of its standard output ($2) and error ($3), until it has
// ended, and tells its exit code; "none" when there is no trace of it, "gone" when it left no code.
const comeBack = `t=$1; o=$2; e=$3; d=; i=; g=0
for p in ` + places + `; do [ -d "$p/$t" ] && d=$p/$t && break; done
if [ -z "$d" ]; then echo "$t none" >&2; exit 0; fi
[ -f "$d/pid" ] || sleep 1
[ -f "$d/pid" ] && read g i <"$d/pid"
echo "$t pid $g" >&2
while :; do
if [ -f "$d/code" ]; then end=1; elif [ "$i" ] && kill -0 "$i" 2>/dev/null; then end=; elif [ -f "$d/code" ]; then end=1; else end=2; fi
s=$(($(wc -c <"$d/out" 2>/dev/null || echo 0))); [ "$s" -gt "$o" ] && tail -c +$((o+1)) "$d/out" | head -c $((s-o)) && o=$s
s=$(($(wc -c <"$d/err" 2>/dev/null || echo 0))); [ "$s" -gt "$e" ] && tail -c +$((e+1)) "$d/err" | head -c $((s-e)) >&2 && e=$s
[ "$end" ] && break; sleep 1
done
if [ "$end" = 2 ]; then echo "$t gone" >&2; exit 0; fi
echo "$t code $(cat "$d/code")" >&2
read a && [ "$a" = seen ] && rm -rf "$d"
exit 0`

// maxKeptOutput is after how many bytes of one stream what a program prints is not kept in its container.
const maxKeptOutput = 32768 * 512

// marks is a program's standard error without the lines that the shell around it writes, which begin
// with a token that nobody else knows.
type marks struct {
	to    io.Writer
	token string
	// acknowledge is called when the program's end was read.
	acknowledge func()

	mu   sync.Mutex
	held []byte
	// known is closed when the process id is.
	known chan struct{}
	pid   int
	// ended is set when the program's end was told, code with it when an earlier connection missed it,
	// and trace to what was found of a program when that is not all.
	ended bool
	code  *int
	trace string
}

func newMarks(to io.Writer, token string, acknowledge func()) *marks {
	return &marks{to: to, token: token, acknowledge: acknowledge, known: make(chan struct{})}
}

// maxMark is how long a line of ours is at most.
const maxMark = 200

// Write passes on everything but the marks.
func (m *marks) Write(data []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = append(m.held, data...)
	begin := []byte(m.token + " ")
	for {
		at := bytes.Index(m.held, begin)
		if at < 0 {
			return len(data), m.pass(len(m.held) - partial(m.held, begin))
		}
		if err := m.pass(at); err != nil {
			return 0, err
		}
		line, rest, whole := bytes.Cut(m.held, []byte("\n"))
		switch {
		case !whole && len(m.held) < maxMark:
			return len(data), nil
		case whole && m.read(strings.Fields(string(line[len(begin):]))):
			m.held = rest
		default: // it only looks like one
			if err := m.pass(len(begin)); err != nil {
				return 0, err
			}
		}
	}
}

// partial returns how many bytes at the end of text could be the beginning of what is searched.
func partial(text, searched []byte) int {
	for n := min(len(searched)-1, len(text)); n > 0; n-- {
		if bytes.HasSuffix(text, searched[:n]) {
			return n
		}
	}
	return 0
}

// pass passes on the first bytes of what is held.
func (m *marks) pass(n int) error {
	if n == 0 {
		return nil
	}
	_, err := m.to.Write(m.held[:n])
	m.held = append(m.held[:0], m.held[n:]...)
	return err
}

// read takes a mark; false when it is none.
func (m *marks) read(words []string) bool {
	number := -1
	if len(words) == 2 {
		if n, err := strconv.Atoi(words[1]); err == nil {
			number = n
		}
	}
	switch {
	case len(words) == 2 && words[0] == "pid" && number >= 0 && m.pid == 0:
		if m.pid = number; number > 0 {
			close(m.known)
		}
		return true
	case len(words) == 2 && words[0] == "code" && number >= 0:
		m.code = &number
	case len(words) == 1 && words[0] == "end":
	case len(words) == 1 && (words[0] == "none" || words[0] == "gone"):
		m.trace = words[0]
		return true
	default:
		return false
	}
	m.ended = true
	m.acknowledge()
	return true
}

// flush passes on what is held.
func (m *marks) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.pass(len(m.held))
}

// announced reports whether the process id is known.
func (m *marks) announced() bool {
	select {
	case <-m.known:
		return true
	default:
		return false
	}
}

// id returns the process id; it is for after known is closed.
func (m *marks) id() int { return m.pid }
