package plugin

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

// pastOptions are the common options of the commands for recorded runs.
type pastOptions struct {
	connection *connection
	release    string
	place      string
	output     string
}

func (o *pastOptions) addFlags(cmd *cobra.Command, formats ...string) {
	fs := cmd.Flags()
	fs.StringVarP(&o.release, "release", "r", "", "the release of the runs")
	fs.StringVar(&o.place, "record", string(action.RecordCluster), "where the runs are recorded: cluster, or local (this machine)")
	if len(formats) > 0 {
		addOutput(fs, &o.output, formats...)
	}
	o.connection.addFlags(cmd)
}

// open returns the recorded runs.
func (o *pastOptions) open(a *App, formats ...string) (*action.Past, error) {
	if err := checkOutput(o.output, formats...); err != nil {
		return nil, err
	}
	place := action.RecordPlace(o.place)
	if place != action.RecordCluster && place != action.RecordLocal {
		return nil, action.Usage(fmt.Errorf("--record must be cluster or local, not %q", o.place))
	}
	return a.config().Past(o.connection.cluster, place)
}
