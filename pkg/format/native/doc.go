// Package native reads and writes tasks.yaml, the project's own format.
package native
