// Package lagoon reads Lagoon's tasks: those of .lagoon.yml, LagoonTask resources, and definitions of advanced tasks.
package lagoon
