// Package failpoint kills the process at a named point when a test asks for it; in a release it does nothing.
package failpoint
