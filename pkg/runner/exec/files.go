package exec

import (
	"context"
	"fmt"
	"strings"

	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/lines"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// read returns the texts of the files that exist in the container, each up to one byte more than the limit. The
// container's own cat reads them, and its messages are passed on.
func (r Runner) read(ctx context.Context, namespace string, in task.Target, paths []string, sink task.Sink) map[string]string {
	texts := map[string]string{}
	for _, path := range paths {
		text, stderr := &limited{rest: task.MaxOutput + 1}, lines.NewWriter("", task.Stderr, sink)
		code, err := r.Client.Exec(ctx, kubeexec.Request{
			Namespace: namespace, Pod: in.Pod, Container: in.Container,
			Command: []string{"cat", "--", path}, Stdout: text, Stderr: stderr,
		}, r.Grace)
		stderr.Flush()
		switch {
		case err != nil:
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "reading %s: %v\n", path, err)})
		case code == 0:
			texts[path] = text.String()
		}
	}
	return texts
}

// limited keeps the first bytes that are written to it, and drops the rest.
type limited struct {
	strings.Builder

	rest int
}

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	kept := b[:min(len(b), l.rest)]
	l.rest -= len(kept)
	_, err := l.Builder.Write(kept)
	return len(b), err
}
