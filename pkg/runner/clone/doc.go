// Package clone runs clone tasks: a pod made from a workload's pod template, with another command.
package clone
