// Package format is the registry of the task file formats: text in, tasks and findings out.
package format
