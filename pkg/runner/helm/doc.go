// Package helm runs Helm's own steps of a plan, and the hooks of charts.
package helm
