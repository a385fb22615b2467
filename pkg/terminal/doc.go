// Package terminal reports whether a stream is a terminal or a file, and asks the user at a terminal.
package terminal
