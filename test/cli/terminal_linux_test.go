package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// screen is a terminal with a program at it.
type screen struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd

	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

// atTerminal starts the program with a terminal as all its streams.
func atTerminal(t *testing.T, dir string, args ...string) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	program, err := exec.LookPath("kubectl-tasks") // testscript has put it there
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, master: master, cmd: exec.CommandContext(t.Context(), program, args...), more: make(chan struct{}, 1)}
	s.cmd.Dir, s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = dir, slave, slave, slave
	s.cmd.Env = append(os.Environ(), "KUBECONFIG=/dev/null", "CI=", "HOME="+dir)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for b := make([]byte, 1024); ; {
			n, err := master.Read(b)
			s.mu.Lock()
			s.text.Write(b[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
			select {
			case s.more <- struct{}{}:
			default:
			}
		}
	}()
	return s
}

// shows waits until the text stands on the screen so many times.
func (s *screen) shows(text string, times int) {
	s.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		now := s.text.String()
		s.mu.Unlock()
		if strings.Count(now, text) >= times {
			return
		}
		select {
		case <-s.more:
		case <-limit:
			s.t.Fatalf("%q does not come:\n%s", text, now)
		}
	}
}

func (s *screen) types(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// TestQuestions: at a real terminal, what was typed before a question does not answer it, and two tasks ask one after
// the other.
func TestQuestions(t *testing.T) {
	dir := t.TempDir()
	signal := filepath.Join(dir, "go")
	if err := unix.Mkfifo(signal, 0o600); err != nil {
		t.Fatal(err)
	}
	const tasks = `
apiVersion: kubectl-tasks.io/v1alpha1
kind: Tasks
tasks:
- {name: first, phase: pre-deploy, host: {shell: "echo typing; read x < go"}}
- {name: mail, phase: pre-deploy, needs: [first], approve: {message: "Send mail?"}}
- {name: drop, phase: pre-deploy, needs: [first], approve: {message: "Delete the DATABASE?"}}
`
	if err := os.WriteFile(filepath.Join(dir, "tasks.yaml"), []byte(tasks), 0o600); err != nil {
		t.Fatal(err)
	}
	s := atTerminal(t, dir, "run", "--phase", "pre-deploy")
	s.shows("| typing", 1)
	s.types("y\ny\ny")
	fifo, err := os.OpenFile(signal, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(fifo, "on")
	_ = fifo.Close()
	s.shows("? [y/N] ", 1)
	s.types("no\n")
	s.shows("? [y/N] ", 2)
	s.types("no\n")
	err = s.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("ends with %v\n%s", err, &s.text)
	}
	s.shows("FAILED", 2)
}
