package plugin

import (
	"slices"

	"github.com/spf13/cobra"
)

// completeReleases completes the names of deployed releases for the first most arguments; for all if most is negative.
// Later arguments are files.
func (a *App) completeReleases(c *connection, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if most >= 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveDefault
		}
		names, err := c.cluster.Releases(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(args, n) })
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
