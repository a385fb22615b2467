package approve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// typed is a terminal whose input waits until it is read or discarded.
type typed struct {
	mu      sync.Mutex
	waiting []byte
	more    chan struct{}
}

func newTyped() *typed { return &typed{more: make(chan struct{}, 1)} }

func (k *typed) text(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = append(k.waiting, text...)
	select {
	case k.more <- struct{}{}:
	default:
	}
}

func (k *typed) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = nil
}

func (k *typed) Read(b []byte) (int, error) {
	for {
		k.mu.Lock()
		// As a terminal, it returns complete lines, or the end.
		if bytes.ContainsAny(k.waiting, "\n\x04") {
			defer k.mu.Unlock()
			if k.waiting[0] == 4 {
				return 0, io.EOF
			}
			n := copy(b[:1], k.waiting)
			k.waiting = k.waiting[n:]
			return n, nil
		}
		k.mu.Unlock()
		<-k.more
	}
}

func terminal(keys *typed, out io.Writer) *Terminal {
	t := NewTerminal(keys, out)
	t.forget = keys.forget
	return t
}

func TestRun(t *testing.T) {
	tests := []struct {
		name   string
		runner Runner
		answer string
		want   task.State
		says   string
		asks   string
	}{
		{"yes", Runner{Interactive: true}, "Yes\n", task.Succeeded, "", "go on? [y/N] "},
		{"y", Runner{Interactive: true}, "y\n", task.Succeeded, "", "go on? [y/N] "},
		{"no", Runner{Interactive: true}, "no\n", task.Failed, "not approved", "go on? [y/N] "},
		{"nothing", Runner{Interactive: true}, "\n", task.Failed, "not approved", "go on? [y/N] "},
		{"the end", Runner{Interactive: true}, "\x04", task.Failed, "not approved", "go on? [y/N] "},
		{"beforehand", Runner{Yes: true}, "", task.Succeeded, "", ""},
		{"no person", Runner{}, "", task.Failed, `"go on?" needs the yes of a person, and there is no terminal to ask at; approve beforehand with --yes`, ""},
		{"no answer in time", Runner{Interactive: true}, "", task.Cancelled, "timed out", "go on? [y/N] \n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("timed out"))
				defer cancel()
				var asked bytes.Buffer
				keys := newTyped()
				defer keys.text("\n")
				tt.runner.Ask = terminal(keys, &asked).Ask
				if tt.answer != "" {
					time.AfterFunc(time.Second, func() { keys.text(tt.answer) })
				}
				got := tt.runner.Run(ctx, task.Task{Executor: task.Approve{Message: "go on?"}}, func(task.Output) {})
				if got.State != tt.want || got.Message != tt.says {
					t.Errorf("%s %q, want %s %q", got.State, got.Message, tt.want, tt.says)
				}
				if asked.String() != tt.asks {
					t.Errorf("asks %q, want %q", &asked, tt.asks)
				}
			})
		})
	}
}

// TestOneAtATime: each of two parallel questions is answered by the input after it was shown.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		keys := newTyped()
		person := terminal(keys, &out)
		defer keys.text("\n")
		type end struct {
			question string
			yes      bool
			err      error
		}
		ends := make(chan end, 2)
		ask := func(ctx context.Context, question string) {
			go func() {
				yes, err := person.Ask(ctx, question)
				ends <- end{question, yes, err}
			}()
			synctest.Wait()
		}
		keys.text("y\n") // before any question
		ask(t.Context(), "Send mail?")
		ask(t.Context(), "Delete the DATABASE?")
		if out.String() != "Send mail? [y/N] " {
			t.Fatalf("asks %q", &out)
		}
		keys.text("y\n")
		if got := <-ends; got != (end{"Send mail?", true, nil}) {
			t.Errorf("%+v", got)
		}
		synctest.Wait()
		if out.String() != "Send mail? [y/N] Delete the DATABASE? [y/N] " {
			t.Fatalf("asks %q", &out)
		}
		keys.text("no\n")
		if got := <-ends; got != (end{"Delete the DATABASE?", false, nil}) {
			t.Errorf("%+v", got)
		}
	})
}

// TestGivenUp: a question that has timed out reads no more input, neither later input nor the answer to the next one.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		keys := newTyped()
		person := terminal(keys, &out)
		late := errors.New("timed out")
		short, cancel := context.WithTimeoutCause(t.Context(), time.Second, late)
		defer cancel()
		if yes, err := person.Ask(short, "first?"); yes || !errors.Is(err, late) {
			t.Fatalf("%t, %v", yes, err)
		}
		keys.text("y\n") // meant for the first
		synctest.Wait()
		answered := make(chan bool)
		go func() {
			yes, _ := person.Ask(t.Context(), "second?")
			answered <- yes
		}()
		synctest.Wait()
		waiting, cancel := context.WithTimeoutCause(t.Context(), time.Second, late)
		defer cancel()
		if _, err := person.Ask(waiting, "third?"); !errors.Is(err, late) || !strings.Contains(err.Error(), "was not asked") {
			t.Errorf("%v", err)
		}
		select {
		case yes := <-answered:
			t.Fatalf("the answer to the first question counts for the second: %t", yes)
		default:
		}
		keys.text("yes\n")
		if !<-answered {
			t.Error("not approved")
		}
		if out.String() != "first? [y/N] \nsecond? [y/N] " {
			t.Errorf("asks %q", &out)
		}
	})
}
