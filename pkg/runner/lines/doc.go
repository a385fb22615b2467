// Package lines splits the output of a program into lines for a sink, as they arrive.
package lines
