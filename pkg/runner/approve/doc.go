// Package approve runs approve tasks: it asks the user to continue.
package approve
