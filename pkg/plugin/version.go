package plugin

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// The release build sets these with -ldflags -X.
var (
	version = "v0.0.0-dev"
	commit  = "unknown"
	date    = "unknown"
)

// versionInfo is the output of version -o json.
type versionInfo struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	Date      string `json:"date"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func (a *App) versionCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Example: `  # Print the version
  kubectl tasks version

  # Print the version as JSON
  kubectl tasks version -o json`,
		Args: arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if err := checkOutput(output, "json", "yaml"); err != nil {
				return err
			}
			info := versionInfo{version, commit, date, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if output != "" {
				return a.printObject(output, info)
			}
			_, err := fmt.Fprintf(a.Out, "kubectl-tasks %s (commit %s, built %s, %s %s)\n",
				info.Version, info.Commit, info.Date, info.GoVersion, info.Platform)
			return err
		},
	}
	addOutput(cmd.Flags(), &output, "json", "yaml")
	return cmd
}
