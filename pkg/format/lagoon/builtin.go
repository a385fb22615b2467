package lagoon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// BuiltInService is the service that Lagoon's built-in tasks run in.
const BuiltInService = "cli"

// builtIn are the tasks that Lagoon's API offers for Drupal sites, by name, with what they run.
var builtIn = map[string]string{
	"cache-clear": `version=$(drush status drupal-version --format=list) || exit
case $version in
7.*) drush cc all ;;
*) drush cr ;;
esac`,
	"cron": "drush cron",
	"uli":  "drush uli",
}

// needCore are those that end in Lagoon's API or another environment, with what can be run instead.
var needCore = map[string]string{
	"sql-sync":     "drush sql-sync",
	"files-sync":   "drush rsync",
	"sql-dump":     "drush sql-dump",
	"archive-dump": "drush archive-dump",
}

// BuiltIn returns the command of one of Lagoon's built-in tasks; an error for one that does not exist
// or cannot be without Lagoon's API.
func BuiltIn(name string) (string, error) {
	if command, ok := builtIn[name]; ok {
		return command, nil
	}
	if command, ok := needCore[name]; ok {
		return "", fmt.Errorf("%q needs Lagoon's API, which copies between environments and keeps what was dumped; there is none here: run a command of your own, such as -- %q", name, command)
	}
	return "", fmt.Errorf("Lagoon has no built-in task %q; there are %s; a command of your own stands after --", name, strings.Join(slices.Sorted(maps.Keys(builtIn)), ", ")) //nolint:staticcheck // a name
}
