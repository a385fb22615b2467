// Package task is the model that every format maps to: a task, when it runs, where it runs and how it ended.
package task
