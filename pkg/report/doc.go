// Package report shows runs and plans to people and machines; it decides nothing and calls nothing back.
package report
