package native

import (
	"regexp"
	"strings"
)

type hereDocument struct {
	end          string
	tabs, quoted bool
}

var hereWord = regexp.MustCompile(`^<<(-?)[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s;&|<>()'"\\])+)`)

// hereDocument reads the operator of a here-document. It returns false when there is none.
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

// hereDocuments reads the pending here-documents, which begin here.
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
