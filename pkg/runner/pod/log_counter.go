package pod

import (
	"io"
	"slices"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// counter counts the bytes that are written through it, and keeps the first and the last of them.
type counter struct {
	io.Writer

	// head are the first bytes; only the goroutine that writes uses it.
	head []byte

	mu   sync.Mutex
	n    int64
	tail []byte
	last time.Time
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.head = append(c.head, b[:min(n, kube.LogTailSize-len(c.head))]...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += int64(n)
	c.last = time.Now()
	c.tail = append(c.tail, b[max(0, n-kube.LogTailSize):n]...)
	c.tail = append(c.tail[:0], c.tail[max(0, len(c.tail)-kube.LogTailSize):]...)
	return n, err
}

// passed returns the number of bytes that were written, and the last of them.
func (c *counter) passed() kube.LogPosition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return kube.LogPosition{Bytes: c.n, Tail: slices.Clone(c.tail)}
}

// idle returns the time that is left until nothing has arrived for limit.
func (c *counter) idle(limit time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Until(c.last.Add(limit))
}
