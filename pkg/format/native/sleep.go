package native

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func (p *parser) sleep(t Task, n *yaml.Node) task.Executor {
	written := t.Sleep.For
	duration, err := time.ParseDuration(written)
	if (err != nil || duration < 0) && !strings.Contains(written, "${") {
		p.fail(strict.At(valueAt(n, "for"), "task %q: for is %q; write the time with its unit, such as 90s, 5m or 1h30m", t.Name, written), t.Name)
	}
	return task.Sleep{For: duration, Written: written}
}

func writeSleep(e task.Sleep, w *Task) { w.Sleep = &Sleep{For: e.Written} }
