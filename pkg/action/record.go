package action

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
)

// The places where runs are recorded.
const (
	RecordAuto    = record.Auto
	RecordCluster = record.Cluster
	RecordLocal   = record.Local
	RecordNone    = record.None
)

// RecordPlace is where a run is recorded.
type RecordPlace = record.Place

// RecordPlaces are the places where runs are recorded.
var RecordPlaces = []record.Place{RecordAuto, RecordCluster, RecordLocal, RecordNone}

// RecordOptions choose the place of the record, and the time to wait for the lock.
type RecordOptions struct {
	// Place is one of RecordPlaces.
	Place record.Place
	// LockWait is the time for which the run waits while another run of the release holds the lock.
	LockWait time.Duration
	// Keep is the number of records of the release, or of runs without one, that are kept; 0 keeps all. Helm's operations take the
	// --history-max of the change instead.
	Keep int
	// Command returns the command line that resumes the run; called once when the run is recorded. Without one, only the
	// API can resume it.
	Command func() []string
}

// command returns the command line for the record.
func (r RecordOptions) command() []string {
	if r.Command == nil {
		return nil
	}
	return r.Command()
}

// runsIn returns the records of a namespace.
func (c *Config) runsIn(place record.Place, client *kube.Client, namespace string) (record.Store, error) {
	if place != RecordLocal {
		return record.ClusterStore{Client: client.Interface, Namespace: namespace}, nil
	}
	config, err := client.RESTConfig()
	if err != nil {
		return nil, err
	}
	dir, err := record.LocalDir(c.getenv, config.Host)
	if err != nil {
		return nil, err
	}
	return record.LocalStore{Dir: dir, Namespace: namespace}, nil
}
