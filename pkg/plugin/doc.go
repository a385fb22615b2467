// Package plugin is the command line: it turns flags into the options of an action, and the result into text and an
// exit code.
package plugin
