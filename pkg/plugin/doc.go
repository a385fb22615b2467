// Package plugin is the command line: flags become options, options become one call, errors become exit codes.
package plugin
