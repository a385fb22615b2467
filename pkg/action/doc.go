// Package action executes the commands: options in, a result out. It parses no flags and prints nothing. The caller passes
// streams, the environment, the clock and the user at the terminal.
package action
