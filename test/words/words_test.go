package words

import (
	"bytes"
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the module's directory, as seen from here.
const root = "../.."

// sources are the texts that are checked.
var sources = []struct {
	name string
	// files are patterns below root; files that match except are left out.
	files, except []string
	// texts returns the parts of a file that are checked.
	texts func(name string, file []byte) []text
}{
	{"documents", []string{"*.md", "docs/*.md", "docs/*/*.md"}, []string{"ARCHITECTURE.md"}, prose},
	{"commands", []string{"pkg/plugin/*.go", "pkg/action/*.go", "cmd/*/*.go"}, []string{"pkg/*/*_test.go"}, literals},
	{"comments of commands", []string{"pkg/plugin/*.go", "pkg/action/*.go", "cmd/*/*.go"}, []string{"pkg/*/*_test.go"}, comments},
	{"runs", runFiles, runTests, literals},
	{"comments of runs", runFiles, runTests, comments},
	{"cluster, release and formats", baseFiles, runTests, literals},
	{"comments of cluster, release and formats", baseFiles, runTests, comments},
}

var (
	// runFiles are the packages that plan, check, run, record and show.
	runFiles = []string{
		"pkg/runner/*.go", "pkg/runner/*/*.go", "pkg/preflight/*.go", "pkg/engine/*.go", "pkg/plan/*.go", "pkg/report/*.go", "pkg/record/*.go",
		"pkg/ledger/*.go", "pkg/lock/*.go", "pkg/task/*.go", "pkg/mask/*.go", "pkg/retry/*.go", "pkg/terminal/*.go", "pkg/failpoint/*.go",
	}
	// baseFiles are the packages for the cluster, for releases and for formats.
	baseFiles = []string{
		"pkg/expression/*.go", "pkg/format/*.go", "pkg/format/*/*.go", "pkg/kube/*.go", "pkg/kube/*/*.go", "pkg/release/*.go",
		"pkg/source/*.go", "pkg/source/*/*.go",
	}
	runTests = []string{"pkg/*/*_test.go", "pkg/*/*/*_test.go"}
)

// text is a piece of a file, without code and addresses.
type text struct {
	line int // of its first character
	text string
}

// TestWords fails for each phrase that is out.
func TestWords(t *testing.T) {
	for _, s := range sources {
		t.Run(s.name, func(t *testing.T) {
			for _, name := range files(t, s.files, s.except) {
				content, err := os.ReadFile(filepath.Join(root, name))
				if err != nil {
					t.Fatal(err)
				}
				for _, piece := range s.texts(name, content) {
					for _, f := range findings(piece) {
						t.Errorf("%s:%s", name, f)
					}
				}
			}
		})
	}
}

// files returns the names of the files below root that match, without those that match except. It fails when a
// pattern matches none.
func files(t *testing.T, patterns, except []string) []string {
	t.Helper()
	var names []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Errorf("no files %s: %v", pattern, err)
		}
		for _, path := range found {
			name := filepath.ToSlash(strings.TrimPrefix(path, filepath.FromSlash(root+"/")))
			if !slices.ContainsFunc(except, func(pattern string) bool { ok, _ := filepath.Match(pattern, name); return ok }) {
				names = append(names, name)
			}
		}
	}
	return names
}

var compiled = func() []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(phrases))
	for i, p := range phrases {
		all[i] = regexp.MustCompile("(?i)" + strings.ReplaceAll(p.pattern, " ", `[ \n]+`))
	}
	return all
}()

// findings returns a line for each phrase of the text that is out, in order: its line, the phrase, and the advice.
func findings(piece text) []string {
	type finding struct {
		line int
		text string
	}
	var found []finding
	for i, pattern := range compiled {
		for _, at := range pattern.FindAllStringIndex(piece.text, -1) {
			match := piece.text[at[0]:at[1]]
			start := at[0] + len(match) - len(strings.TrimLeft(match, " \n.:;|*-"))
			line := piece.line + strings.Count(piece.text[:start], "\n")
			found = append(found, finding{line, fmt.Sprintf("%d: %q: %s", line, strings.Join(strings.Fields(match), " "), phrases[i].instead)})
		}
	}
	slices.SortStableFunc(found, func(a, b finding) int { return a.line - b.line })
	lines := make([]string, len(found))
	for i, f := range found {
		lines[i] = f.text
	}
	return lines
}

// notProse matches the parts of a Markdown file that are not prose: fenced and indented code, inline code, targets of
// links, and anchors.
var notProse = regexp.MustCompile("(?ms)^```.*?^```$|^    [^\n]*$|`[^`]*`|\\]\\([^)]*\\)|<[^>\n]*>")

// prose returns the text of a Markdown file without code and addresses.
func prose(_ string, file []byte) []text {
	return []text{{1, blank(file, notProse)}}
}

// blank replaces each match by an underscore, and keeps its line breaks.
func blank(file []byte, pattern *regexp.Regexp) string {
	return string(pattern.ReplaceAllFunc(file, func(match []byte) []byte {
		return append([]byte("_"), bytes.Repeat([]byte("\n"), bytes.Count(match, []byte("\n")))...)
	}))
}

// literals returns the strings of a Go file: help, messages, errors.
func literals(name string, file []byte) []text {
	return tokens(name, file, token.STRING, func(literal string) string {
		value, err := strconv.Unquote(literal)
		if err != nil {
			return literal
		}
		return value
	})
}

// comments returns the comments of a Go file.
func comments(name string, file []byte) []text {
	return tokens(name, file, token.COMMENT, func(comment string) string { return comment })
}

// tokens returns the tokens of one kind of a Go file.
func tokens(name string, file []byte, kind token.Token, value func(string) string) []text {
	set := token.NewFileSet()
	var s scanner.Scanner
	s.Init(set.AddFile(name, -1, len(file)), file, nil, scanner.ScanComments)
	var all []text
	for {
		at, found, literal := s.Scan()
		if found == token.EOF {
			return all
		}
		if found == kind {
			all = append(all, text{set.Position(at).Line, value(literal)})
		}
	}
}

// TestTexts checks the lines of the findings in a document and in a program.
func TestTexts(t *testing.T) {
	document := "# Nobody\n\nThe task ends, but\nfor this.\n\n```sh\necho nobody\n```\n\n" +
		"    nobody\n\nUse `--nobody` and [this](nobody.md).\n\nWhat is woken\nsleeps again.\n\n# What happens next?\n\nWho is there?\n"
	program := "package p\n\n// Nobody reads it.\nconst a = \"somebody\"\n\nvar b = `one\ntwo is\ntold`\n"
	for _, tt := range []struct {
		name  string
		texts func(string, []byte) []text
		file  string
		want  []string
	}{
		{"prose", prose, document, []string{"1", "3", "14", "14"}},
		{"literals", literals, program, []string{"4", "7"}},
		{"comments", comments, program, []string{"3"}},
	} {
		var got []string
		for _, piece := range tt.texts("p.go", []byte(tt.file)) {
			for _, f := range findings(piece) {
				line, _, _ := strings.Cut(f, ":")
				got = append(got, line)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: findings in lines %v, want %v", tt.name, got, tt.want)
		}
	}
}
