package task

import (
	"strings"

	"github.com/lithammer/fuzzysearch/fuzzy"
)

// Nearest returns the one of the names that was probably meant by a name that does not exist; ""
// when none is near.
func Nearest(name string, names []string) string {
	best, distance := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := fuzzy.LevenshteinDistance(strings.ToLower(name), strings.ToLower(n)); d < distance && d < len(n) {
			best, distance = n, d
		}
	}
	return best
}
