// Package report writes plans, runs and findings for people and machines.
package report
