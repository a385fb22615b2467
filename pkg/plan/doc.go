// Package plan decides which steps an operation has and in which order. It reads and changes nothing.
package plan
