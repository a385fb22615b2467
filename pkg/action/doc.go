// Package action carries out the commands: options in, a result out. It parses no flags and prints nothing; streams, the
// environment, the clock and the person at the terminal are handed in.
package action
