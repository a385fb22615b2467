// Package hook runs the hooks of charts: it makes their objects and follows those that end.
package hook
