package native

import (
	"regexp"
	"strings"
)

// script looks for what a shell would expand, and so skips what is quoted (POSIX, Shell Command Language § 2.2
// and § 2.7.4).
type script struct {
	text  string
	at    int
	found []string
	// pending are the here-documents that begin behind the next line break.
	pending []hereDocument
}

type hereDocument struct {
	end          string
	tabs, quoted bool
}

// expressionOfOurs matches a ${…} that is meant for us: a shell's own names have no dots.
var expressionOfOurs = regexp.MustCompile(`^\$\{\s*(release|params|values|tasks|env|run)\.[^}]*\}`)

// expressionsIn returns what a shell would expand in a script and cannot, because it is an expression of ours.
func expressionsIn(text string) []string {
	s := &script{text: text}
	s.code(0)
	return s.found
}

func (s *script) rest() string { return s.text[min(s.at, len(s.text)):] }

// code reads commands up to the one character that ends them; 0 stands for the end of the script.
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

// quoted reads what is in double quotes, up to their end.
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

// dollar reads what begins with a dollar sign.
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
		if m := expressionOfOurs.FindString(rest); m != "" {
			s.found = append(s.found, m)
		}
		s.at++
	}
}

// skipTo goes behind the next end of what begins here.
func (s *script) skipTo(end string) {
	s.at++
	if i := strings.Index(s.rest(), end); i >= 0 {
		s.at += i + len(end)
	} else {
		s.at = len(s.text)
	}
}

var hereWord = regexp.MustCompile(`^<<(-?)[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s;&|<>()'"\\])+)`)

// hereDocument reads the beginning of one, if it is one.
func (s *script) hereDocument() bool {
	m := hereWord.FindStringSubmatch(s.rest())
	if m == nil || s.at > 0 && s.text[s.at-1] == '<' {
		return false
	}
	end := strings.NewReplacer("'", "", `"`, "", `\`, "").Replace(m[2])
	s.pending = append(s.pending, hereDocument{end: end, tabs: m[1] != "", quoted: end != m[2]})
	s.at += len(m[0])
	return true
}

// hereDocuments reads those that begin here.
func (s *script) hereDocuments() {
	for _, h := range s.pending {
		begin := s.at
		for s.at < len(s.text) {
			line, _, _ := strings.Cut(s.rest(), "\n")
			stop := s.at
			s.at = min(s.at+len(line)+1, len(s.text))
			if h.tabs {
				line = strings.TrimLeft(line, "\t")
			}
			if line == h.end || s.at == len(s.text) {
				if line != h.end {
					stop = len(s.text)
				}
				if !h.quoted {
					body := &script{text: s.text[begin:stop]}
					body.quoted(0)
					s.found = append(s.found, body.found...)
				}
				break
			}
		}
	}
	s.pending = nil
}
