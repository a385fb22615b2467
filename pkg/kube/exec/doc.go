// Package exec runs programs in containers: it streams what they print, stops them, and reads their exit codes again
// after a lost connection.
package exec
