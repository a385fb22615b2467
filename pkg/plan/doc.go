// Package plan decides which steps an operation has and in what order; it reads nothing and changes nothing.
package plan
