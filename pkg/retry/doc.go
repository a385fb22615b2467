// Package retry decides which failed requests to the API server are sent again, and when.
package retry
