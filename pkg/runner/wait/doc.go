// Package wait runs wait tasks: until an object is ready, deleted, or in a certain state.
package wait
