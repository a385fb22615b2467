package record

// Place is where a run is recorded.
type Place string

// The places.
const (
	// Auto is the cluster, or no place when the user has no right to that.
	Auto Place = "auto"
	// Cluster is a Secret in the namespace of the run.
	Cluster Place = "cluster"
	// Local is a directory of this machine.
	Local Place = "local"
	// None keeps no record.
	None Place = "none"
)
