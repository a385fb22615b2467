// Package host runs a task's program on the machine of the user.
package host
