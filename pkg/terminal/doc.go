// Package terminal tells what a stream is, and asks the person at the terminal.
package terminal
