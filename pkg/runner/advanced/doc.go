// Package advanced runs Lagoon's advanced tasks: an image with the environment, the mounts and the account that it expects.
package advanced
