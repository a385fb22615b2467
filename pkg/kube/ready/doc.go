// Package ready waits until objects are ready, meet a condition or are deleted, and says what keeps them.
package ready
