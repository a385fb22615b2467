package source

import (
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
)

// maxBytes limits the size of a document. ConfigMaps have the same limit.
const maxBytes = 1 << 20

// ErrTooLarge is the error of a document that exceeds the limit.
var ErrTooLarge = fmt.Errorf("a task document may have at most %d bytes", maxBytes)

func tooLarge(name string) error { return fmt.Errorf("%s: %w", name, ErrTooLarge) }

// ReadLimited reads a document up to one byte over the limit, so that a larger one can be detected.
func ReadLimited(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxBytes+1)) }

// globNames returns a Glob over files of these names.
func globNames(names iter.Seq[string]) func(string) ([]string, error) {
	return func(pattern string) ([]string, error) {
		var found []string
		for name := range names {
			ok, err := path.Match(path.Clean(pattern), name)
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, name)
			}
		}
		slices.Sort(found)
		return found, nil
	}
}

// notFoundError is the error of a file that a source does not have.
type notFoundError struct{ message string }

// Error names the file and the source.
func (e notFoundError) Error() string { return e.message }

// Is reports whether the target is fs.ErrNotExist.
func (e notFoundError) Is(target error) bool { return target == fs.ErrNotExist }
