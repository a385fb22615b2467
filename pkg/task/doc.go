// Package task is the model of a task: phases, executors, policies, results, and findings with their positions.
package task
