package lagoon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// BuiltInService is the service in which Lagoon's built-in tasks run.
const BuiltInService = "cli"

// builtIn are the commands of the tasks that Lagoon's API offers for Drupal sites, by their names.
var builtIn = map[string]string{
	"cache-clear": `version=$(drush status drupal-version --format=list) || exit
case $version in
7.*) drush cc all ;;
*) drush cr ;;
esac`,
	"cron": "drush cron",
	"uli":  "drush uli",
}

// needAPI are the commands to run instead of the built-in tasks that need Lagoon's API or another environment.
var needAPI = map[string]string{
	"sql-sync":     "drush sql-sync",
	"files-sync":   "drush rsync",
	"sql-dump":     "drush sql-dump",
	"archive-dump": "drush archive-dump",
}

// BuiltIn returns the command of one of Lagoon's built-in tasks. The error is a task that does not exist, or that
// needs Lagoon's API.
func BuiltIn(name string) (string, error) {
	if command, ok := builtIn[name]; ok {
		return command, nil
	}
	if command, ok := needAPI[name]; ok {
		return "", fmt.Errorf("%q needs Lagoon's API, which copies between environments and stores dumps; here it does not exist: run your own command, such as -- %q", name, command)
	}
	return "", fmt.Errorf("Lagoon has no built-in task %q; the tasks are %s; write your own command after --", name, strings.Join(slices.Sorted(maps.Keys(builtIn)), ", ")) //nolint:staticcheck // a name
}
