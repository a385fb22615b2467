package task

import (
	"regexp"
	"strings"
)

var notInSlugs = regexp.MustCompile(`[^a-z0-9]+`)

// maxSlug leaves room for a suffix in the 63 characters of labels and pod names.
const maxSlug = 50

// Slug returns a name in lower case with hyphens, as objects and labels can have it, of at most 50 characters; "task" when
// no character is left.
func Slug(name string) string {
	s := strings.Trim(notInSlugs.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if s = strings.Trim(s[:min(len(s), maxSlug)], "-"); s == "" {
		return "task"
	}
	return s
}
