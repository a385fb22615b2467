// Package record keeps runs and their logs where later commands find them: each in a Secret, or in a file, of its own.
package record
