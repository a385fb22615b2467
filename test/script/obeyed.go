package script

import (
	"regexp"
	"unicode/utf8"
)

// Hostile is a text with all that a terminal, a log viewer or a CI system would obey.
const Hostile = "x\x1b[31m\x1b]0;mine\a\x7f\u009b1m\u202e\u2066\u2028\r::error::a\n::error::b\n \u00a0::add-mask::c ##vso[task.setvariable variable=PATH]d ##[error]e ##teamcity[buildStop]\r\n#\u00ad#vso[x]"

var obeyed = regexp.MustCompile(`(?m)[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{061c}\x{200e}\x{200f}\x{2028}\x{2029}\x{202a}-\x{202e}\x{2066}-\x{2069}]|^[\s\p{Cf}]*:\p{Cf}*:\p{Cf}*[a-zA-Z]|#\p{Cf}*#[a-zA-Z\p{Cf}]*\[`)

// Obeyed returns what a terminal, a log viewer or a CI system would obey in what a command has printed, and the
// text around it; empty when that is nothing.
func Obeyed(printed string) string {
	if !utf8.ValidString(printed) {
		return "bytes that are not UTF-8"
	}
	at := obeyed.FindStringIndex(printed)
	if at == nil {
		return ""
	}
	return printed[max(0, at[0]-80):min(len(printed), at[1]+40)]
}
