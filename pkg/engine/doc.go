// Package engine runs a plan: it starts each step when what it needs has ended well, and tells what happens as events.
package engine
