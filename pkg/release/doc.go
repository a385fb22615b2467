// Package release reads and changes Helm releases through Helm's SDK, as Helm's own commands do, with waits and hooks of
// our own.
package release
