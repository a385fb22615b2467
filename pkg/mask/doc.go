// Package mask replaces secrets in what tasks print, as they are and in base64.
package mask
