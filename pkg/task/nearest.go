package task

import (
	"strings"

	"github.com/lithammer/fuzzysearch/fuzzy"
)

// Nearest returns the name that is most similar to one that does not exist; "" when no name is similar.
func Nearest(name string, names []string) string {
	best, distance := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := fuzzy.LevenshteinDistance(strings.ToLower(name), strings.ToLower(n)); d < distance && d < len(n) {
			best, distance = n, d
		}
	}
	return best
}
