package main

import (
	"context"
	"fmt"
	"time"
)

// line is what is printed, again and again.
const line = "0123456789012345678901234567890123456789012345678901234567890123456789"

// logs measures how fast the log of a pod is followed, from the first of it that comes to the last, and what that
// needs: one that is printed as fast as can be, but no longer than what a node keeps of such a log, and a long one
// that is printed slowly enough for the node to hand it on before it throws it away. Both programs follow before the
// first line is printed.
func (b *bench) logs(ctx context.Context) error {
	const size, pieces, piece = int64(len(line) + 1), 512, 256 << 10
	const some, more = 8 << 20 / size, piece / size
	err := b.follow(ctx, fmt.Sprintf("sleep 2; yes %s | head -n %d", line, some), "following a log of 8 MiB", some*size, b.rounds(9, 2), b.floor(0.6, 0.4))
	if err != nil || b.quick {
		return err
	}
	slow := fmt.Sprintf("sleep 2; n=0; while [ $n -lt %d ]; do yes %s | head -n %d; usleep 100000; n=$((n+1)); done", pieces, line, more)
	return b.follow(ctx, slow, "following a log of 128 MiB that takes its time", pieces*more*size, 1, 0)
}

// follow adds rows about a log of that size, and fails when not all of it came to us.
func (b *bench) follow(ctx context.Context, print, work string, size int64, rounds int, floor float64) error {
	dir, err := b.writeTasks("logs", fmt.Sprintf("- {name: prints, pod: {image: %q, shell: %q}}\n", image, print))
	if err != nil {
		return err
	}
	kubectl := fmt.Sprintf("%[1]s run bench-logs --image=%[2]s --restart=Never --command -- sh -c '%[3]s' >/dev/null && "+
		"%[1]s wait --for=jsonpath={.status.containerStatuses[0].started}=true pod/bench-logs >/dev/null && exec %[1]s logs -f bench-logs", b.kubectl, image, print)
	var ours, theirs, memory []float64
	least := size
	for range rounds {
		var printed, followed passing
		m, err := b.timed(ctx, command{program: b.ours, args: []string{"run", "prints", "--unmasked"}, dir: dir, out: &printed})
		if err != nil {
			return err
		}
		ours, memory = append(ours, printed.rate()), append(memory, megabytes([]measured{m})...)
		if _, err := b.timed(ctx, command{program: "sh", args: []string{"-c", kubectl}, out: &followed}); err != nil {
			return err
		}
		theirs = append(theirs, followed.rate())
		if err := b.do(ctx, command{program: b.kubectl, args: []string{"delete", "pod", "bench-logs"}}); err != nil {
			return err
		}
		if printed.bytes != size {
			return fmt.Errorf("%s: of %d bytes, %d came to us and %d to kubectl", work, size, printed.bytes, followed.bytes)
		}
		least = min(least, followed.bytes)
	}
	other := "kubectl logs -f"
	if least < size {
		other += fmt.Sprintf(" (%d bytes did not come)", size-least)
	}
	b.table.add(
		row{Work: work, Unit: "MiB/s", Ours: ours, Other: other, Theirs: theirs, Goal: 0.95, Least: true, Floor: floor},
		row{Work: "peak memory of that", Unit: "MB", Ours: memory, Limit: 100},
	)
	return nil
}

// passing is what passes through it: how much, and when it began and ended.
type passing struct {
	bytes       int64
	first, last time.Time
}

// Write implements io.Writer.
func (p *passing) Write(b []byte) (int, error) {
	p.last = time.Now()
	if p.bytes == 0 {
		p.first = p.last
	}
	p.bytes += int64(len(b))
	return len(b), nil
}

// rate returns how much passed a second, in MiB.
func (p *passing) rate() float64 {
	return float64(p.bytes) / (1 << 20) / p.last.Sub(p.first).Seconds()
}
