package terminal

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
)

// typed is a terminal at which what was typed waits until it is read, or forgotten.
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
		// As a terminal does, it gives whole lines, or the end.
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

func newTest(keys *typed, out io.Writer) *Terminal {
	t := New(keys, out)
	t.forget = keys.forget
	return t
}

// TestAsk: only a line that says yes is a yes.
func TestAsk(t *testing.T) {
	late := errors.New("timed out")
	for _, tt := range []struct {
		name, answer string
		yes          bool
		err          error
		asks         string
	}{
		{"yes", "Yes\n", true, nil, "go on? [y/N] "},
		{"y", "y\n", true, nil, "go on? [y/N] "},
		{"no", "no\n", false, nil, "go on? [y/N] "},
		{"nothing", "\n", false, nil, "go on? [y/N] "},
		{"the end", "\x04", false, nil, "go on? [y/N] "},
		{"no answer in time", "", false, late, "go on? [y/N] \n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, late)
				defer cancel()
				var out bytes.Buffer
				keys := newTyped()
				defer keys.text("\n")
				if tt.answer != "" {
					time.AfterFunc(time.Second, func() { keys.text(tt.answer) })
				}
				yes, err := newTest(keys, &out).Ask(ctx, "go on?")
				if yes != tt.yes || !errors.Is(err, tt.err) || out.String() != tt.asks {
					t.Errorf("%t, %v, asks %q; want %t, %v, %q", yes, err, &out, tt.yes, tt.err, tt.asks)
				}
			})
		})
	}
}

// TestOneAtATime: of two questions at once each is answered by what was typed after it was shown.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		keys := newTyped()
		person := newTest(keys, &out)
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

// TestGivenUp: a question that has timed out reads no more, neither what is typed then nor what answers the next one.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		keys := newTyped()
		person := newTest(keys, &out)
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
