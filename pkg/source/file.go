package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// path reads a file, or the task files of a directory.
func (f Finder) path(name string) ([]format.Document, error) {
	full := name
	if !filepath.IsAbs(name) {
		full = filepath.Join(f.Dir, name)
	}
	info, err := os.Stat(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file (a ConfigMap is named as configmap/NAME)", name)
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		documents, err := f.directory(full, name)
		if err == nil && len(documents) == 0 {
			err = fmt.Errorf("%s: the directory has no task file (%s)", name, f.Formats.FileNames())
		}
		return documents, err
	}
	document, err := read(full, name)
	if err != nil {
		return nil, err
	}
	is, ok := f.Formats.ByFile(filepath.Base(name), document.Text)
	if f.Format != "" {
		is, ok = f.Formats.ByName(f.Format)
	}
	if !ok {
		return nil, fmt.Errorf("%s: unknown file name (known names: %s); set the format with --format", name, f.Formats.FileNames())
	}
	document.Format = is.Name
	return []format.Document{document}, nil
}

// directory returns the task files of a directory, if there are any. Their names start with prefix.
func (f Finder) directory(dir, prefix string) ([]format.Document, error) {
	var documents []format.Document
	for _, is := range f.Formats {
		name := is.Files[0]
		document, err := read(filepath.Join(dir, name), filepath.Join(prefix, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case is.Shared && !is.Recognises(document.Text):
			continue
		}
		document.Format = is.Name
		documents = append(documents, document)
	}
	return documents, nil
}

func read(path, name string) (format.Document, error) {
	file, err := os.Open(path)
	if err != nil {
		return format.Document{}, err
	}
	defer file.Close()
	document, err := readAll(file, name)
	document.ReadFile, document.Glob = readIn(filepath.Dir(path)), globIn(filepath.Dir(path))
	return document, err
}

// readIn reads files by their paths relative to a directory. Absolute paths are allowed, because the document
// that names them is the user's.
func readIn(dir string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		path := name
		if !filepath.IsAbs(name) {
			path = filepath.Join(dir, name)
		}
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		text, err := ReadLimited(file)
		if err == nil && len(text) > maxBytes {
			err = tooLarge(name)
		}
		return text, err
	}
}

// globIn finds files by their paths relative to a directory.
func globIn(dir string) func(string) ([]string, error) {
	return func(pattern string) ([]string, error) {
		if filepath.IsAbs(pattern) {
			return filepath.Glob(pattern)
		}
		paths, err := fs.Glob(os.DirFS(dir), filepath.ToSlash(filepath.Clean(pattern)))
		return slices.DeleteFunc(paths, func(p string) bool {
			info, err := os.Stat(filepath.Join(dir, p))
			return err == nil && info.IsDir()
		}), err
	}
}

func (f Finder) standardInput() ([]format.Document, error) {
	text, err := f.Stdin()
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("standard input is empty")
	}
	is, ok := f.Formats.ByText(text)
	if f.Format != "" {
		is, ok = f.Formats.ByName(f.Format)
	}
	if !ok {
		return nil, errors.New("standard input: unknown format; set it with --format")
	}
	document, err := readAll(bytes.NewReader(text), "standard input")
	if err != nil {
		return nil, err
	}
	document.Format = is.Name
	document.ReadFile, document.Glob = readIn(f.Dir), globIn(f.Dir)
	return []format.Document{document}, nil
}

func readAll(r io.Reader, name string) (format.Document, error) {
	text, err := ReadLimited(r)
	if err != nil {
		return format.Document{}, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxBytes {
		return format.Document{}, tooLarge(name)
	}
	return format.Document{Source: task.Source{Name: name, Trusted: true}, Text: text}, nil
}
