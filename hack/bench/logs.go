package main

import (
	"context"
	"fmt"
	"time"
)

// logs measures how fast the log of a pod is followed, from the first of it that comes to the last, and what that
// needs. It is no longer than what a node keeps of a log that is written faster than it can be read.
func (b *bench) logs(ctx context.Context) error {
	size := int64(b.rounds(48<<20, 8<<20))
	print := fmt.Sprintf("yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c %d", size)
	dir, err := b.writeTasks("logs", fmt.Sprintf("- {name: prints, pod: {image: %q, shell: %q}}\n", image, print))
	if err != nil {
		return err
	}
	kubectl := fmt.Sprintf("%[1]s run bench-logs --image=%[2]s --restart=Never --command -- sh -c '%[3]s' >/dev/null && "+
		"%[1]s wait --for=jsonpath={.status.containerStatuses[0].started}=true pod/bench-logs >/dev/null && exec %[1]s logs -f bench-logs", b.kubectl, image, print)
	var ours, theirs, memory []float64
	least, leastOurs := size, size
	for range b.rounds(5, 2) {
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
		leastOurs, least = min(leastOurs, printed.bytes), min(least, followed.bytes)
		if err := b.do(ctx, command{program: b.kubectl, args: []string{"delete", "pod", "bench-logs"}}); err != nil {
			return err
		}
	}
	work, other := fmt.Sprintf("following a log of %d MiB", size>>20), "kubectl logs -f"
	for text, n := range map[*string]int64{&work: leastOurs, &other: least} {
		if n < size { // the node lost it
			*text += fmt.Sprintf(" (of which once %.0f %% came)", 100*float64(n)/float64(size))
		}
	}
	b.table.add(
		row{Work: work, Unit: "MiB/s", Ours: ours, Other: other, Theirs: theirs, Goal: 0.95, Least: true, Floor: b.once(0.6)},
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
