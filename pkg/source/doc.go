// Package source finds task documents in files, standard input, ConfigMaps and charts, with their origin and trust.
package source
