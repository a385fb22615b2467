package format

import (
	"slices"
	"strings"
)

// List is a list of formats. The first one that fits a document wins.
type List []Format

// ByName returns the format of that name; false when there is none.
func (l List) ByName(name string) (Format, bool) {
	return l.first(func(f Format) bool { return f.Name == name })
}

// ByFile returns the format of a document with that file name; false when there is none. The text decides
// when the extension belongs to several formats.
func (l List) ByFile(name string, text []byte) (Format, bool) {
	if f, ok := l.first(func(f Format) bool { return slices.Contains(f.Files, name) }); ok {
		return f, true
	}
	var named List
	for _, f := range l {
		if slices.ContainsFunc(f.Extensions, func(e string) bool { return strings.HasSuffix(name, e) }) {
			named = append(named, f)
		}
	}
	if f, ok := named.ByText(text); ok {
		return f, true
	}
	return named.first(func(Format) bool { return true })
}

// ByText returns the format that recognises a text; false when none does.
func (l List) ByText(text []byte) (Format, bool) {
	return l.first(func(f Format) bool { return f.Recognises(text) })
}

// Names returns the names of the formats.
func (l List) Names() []string {
	names := make([]string, len(l))
	for i, f := range l {
		names[i] = f.Name
	}
	return names
}

// FileNames returns the file name of each format that directories are searched for, separated by commas.
func (l List) FileNames() string {
	names := make([]string, len(l))
	for i, f := range l {
		names[i] = f.Files[0]
	}
	return strings.Join(names, ", ")
}

func (l List) first(is func(Format) bool) (Format, bool) {
	i := slices.IndexFunc(l, is)
	if i < 0 {
		return Format{}, false
	}
	return l[i], true
}
