package native

import (
	"regexp"
	"strings"
)

// script searches a shell script for text that the shell expands. It skips quoted text (POSIX, Shell Command
// Language § 2.2 and § 2.7.4).
type script struct {
	text  string
	at    int
	found []string
	// pending are the here-documents that begin after the next line break.
	pending []hereDocument
}

// taskExpression matches an expression of tasks.yaml: names in shells have no dots.
var taskExpression = regexp.MustCompile(`^\$\{\s*(release|params|values|tasks|env|run)\.[^}]*\}`)

// expressionsIn returns the expressions of tasks.yaml in a script where the shell would try to expand them.
func expressionsIn(text string) []string {
	s := &script{text: text}
	s.code(0)
	return s.found
}

func (s *script) rest() string { return s.text[min(s.at, len(s.text)):] }

// code reads commands up to their end character, or to the end of the script when it is 0.
func (s *script) code(end byte) {
	depth := 0
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == end && depth == 0:
			s.at++
			return
		case c == '\\':
			s.at += 2
			continue
		case c == '\'':
			s.skipTo("'")
			continue
		case c == '"':
			s.at++
			s.quoted('"')
			continue
		case c == '#' && (s.at == 0 || strings.IndexByte(" \t\n;&|()", s.text[s.at-1]) >= 0):
			if i := strings.IndexByte(s.rest(), '\n'); i >= 0 {
				s.at += i
			} else {
				s.at = len(s.text)
			}
			continue
		case c == '$':
			s.dollar()
			continue
		case c == '<' && s.hereDocument():
			continue
		case c == '\n':
			s.at++
			s.hereDocuments()
			continue
		case c == '(':
			depth++
		case c == ')':
			depth = max(0, depth-1)
		}
		s.at++
	}
}

// quoted reads text in double quotes, including their end.
func (s *script) quoted(end byte) {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case end:
			s.at++
			return
		case '\\':
			s.at += 2
		case '$':
			s.dollar()
		case '`':
			s.at++
			s.code('`')
		default:
			s.at++
		}
	}
}

// dollar reads an expansion.
func (s *script) dollar() {
	rest := s.rest()
	switch {
	case strings.HasPrefix(rest, "$$"):
		s.at += 2
	case strings.HasPrefix(rest, "$(("):
		inner, _, _ := strings.Cut(rest[3:], "))")
		number := &script{text: inner}
		number.quoted(0)
		s.found = append(s.found, number.found...)
		s.at += 3 + len(inner)
	case strings.HasPrefix(rest, "$("):
		s.at += 2
		s.code(')')
	default:
		if m := taskExpression.FindString(rest); m != "" {
			s.found = append(s.found, m)
		}
		s.at++
	}
}

// skipTo skips the current character and all text up to and including end.
func (s *script) skipTo(end string) {
	s.at++
	if i := strings.Index(s.rest(), end); i >= 0 {
		s.at += i + len(end)
	} else {
		s.at = len(s.text)
	}
}
