// Package release reads and changes Helm releases through Helm's SDK, the way Helm's own commands do.
package release
