package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// logs measures how fast the log of a pod is followed, and what that needs. It is no longer than what a node keeps
// of a log that is written faster than it can be read.
func (b *bench) logs(ctx context.Context) error {
	size := int64(b.rounds(48<<20, 8<<20))
	print := fmt.Sprintf("yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c %d", size)
	dir, err := b.writeTasks("logs", fmt.Sprintf("- {name: prints, pod: {image: %q, shell: %q}}\n", image, print))
	if err != nil {
		return err
	}
	kubectl := fmt.Sprintf("%[1]s run bench-logs --image=%[2]s --restart=Never --command -- sh -c '%[3]s' && "+
		"%[1]s wait --for=jsonpath={.status.containerStatuses[0].started}=true pod/bench-logs >/dev/null && exec %[1]s logs -f bench-logs", b.kubectl, image, print)
	rate := func(m measured, bytes int64) float64 { return float64(bytes) / (1 << 20) / m.wall.Seconds() }
	var ours, theirs, memory []float64
	least, leastOurs := size, size
	for range b.rounds(3, 1) {
		m, n, err := b.into(ctx, command{program: b.ours, args: []string{"run", "prints", "--unmasked"}, dir: dir})
		if err != nil {
			return err
		}
		leastOurs = min(leastOurs, n)
		ours, memory = append(ours, rate(m, n)), append(memory, megabytes([]measured{m})...)
		if m, n, err = b.into(ctx, command{program: "sh", args: []string{"-c", kubectl}}); err != nil {
			return err
		}
		theirs, least = append(theirs, rate(m, n)), min(least, n)
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
		row{Work: work, Unit: "MiB/s", Ours: ours, Other: other, Theirs: theirs, Goal: 0.95, Least: true},
		row{Work: "peak memory of that", Unit: "MB", Ours: memory, Limit: 100},
	)
	return nil
}

// into runs a command with its output in a file, and returns how many bytes that became.
func (b *bench) into(ctx context.Context, c command) (measured, int64, error) {
	file, err := os.Create(filepath.Join(b.dir, "log"))
	if err != nil {
		return measured{}, 0, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	defer func() { _ = file.Close() }()
	c.out = file
	m, err := b.timed(ctx, c)
	if err != nil {
		return m, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return m, 0, err
	}
	return m, info.Size(), nil
}
