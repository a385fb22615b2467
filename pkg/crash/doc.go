// Package crash kills the process where a test says; in the program that users have it does nothing.
package crash
