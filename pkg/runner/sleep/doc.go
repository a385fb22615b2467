// Package sleep runs sleep tasks: it waits for a fixed time.
package sleep
