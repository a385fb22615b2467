package report

import (
	"regexp"
	"unicode"
)

// commandScanner finds commands that CI systems execute when they occur in a log. It has the state of one line; the
// zero value is the start of a line. The commands are:
//
//   - "::error …" and the like at the start of a line, for GitHub Actions (actions/runner, ActionCommand.TryParseV2,
//     which skips white space first);
//   - "##[error]", "##vso[task.setvariable …]", "##teamcity[…]" anywhere in a line (azure-pipelines-agent,
//     Command.TryParse; actions/runner, ActionCommand.TryParse). Their searches are culture-sensitive and ignore
//     format characters such as a soft hyphen.
type commandScanner struct {
	// started reports that the line has had a character other than white space. colons counts the colons that it
	// starts with.
	started bool
	colons  int
	// signs counts the last number signs, and word reports that letters have followed them.
	signs int
	word  bool
}

// completes reads the next character of the line and reports whether it completes the start of a command. Such a
// character is an ASCII letter or "[".
func (s *commandScanner) completes(r rune) bool {
	if unicode.Is(unicode.Cf, r) {
		return false // the searches ignore it
	}
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	complete := r == '[' && s.signs >= 2 || letter && s.colons == 2
	switch {
	case r == '#' && !s.word:
		s.signs++
	case r == '#':
		s.signs, s.word = 1, false
	case letter && s.signs >= 2:
		s.word = true
	default:
		s.signs, s.word = 0, false
	}
	switch {
	case r == ':' && (!s.started || s.colons == 1):
		s.colons++
	default:
		s.colons = 0
	}
	s.started = s.started || !unicode.IsSpace(r)
	return complete
}

// anywhereCommand matches the start of the commands that can be anywhere in a line.
var anywhereCommand = regexp.MustCompile(`#\p{Cf}*#\p{Cf}*[a-zA-Z\p{Cf}]*\[`)
