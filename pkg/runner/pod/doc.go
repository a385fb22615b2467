// Package pod runs pod tasks: a bare pod that starts at most once, followed to the end of its main container.
package pod
