// Package native reads tasks.yaml, the project's own format: bytes in, tasks and findings out.
package native
