// Package mask replaces secrets in streams, plain and in base64.
package mask
