// Package source finds task documents: files, standard input and annotated ConfigMaps; it says where each came from and how far it is trusted.
package source
