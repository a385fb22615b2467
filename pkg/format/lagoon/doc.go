// Package lagoon reads Lagoon's tasks: .lagoon.yml, LagoonTask resources, and definitions of advanced tasks.
package lagoon
