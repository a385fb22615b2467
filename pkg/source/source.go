package source

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// maxBytes is how large a document may be; the largest ConfigMap is as large.
const maxBytes = 1 << 20

// among returns a Glob over files of these names.
func among(names iter.Seq[string]) func(string) ([]string, error) {
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

// Finder finds the documents for one release.
type Finder struct {
	Formats format.List
	// As is the name of the format that named documents have, whatever they are called; empty means that their
	// names and texts tell.
	As string
	// Dir is where the user stands.
	Dir string
	// Stdin returns what stands for the reference "-".
	Stdin func() ([]byte, error)
	// Client reads ConfigMaps; nil when there is no cluster to ask.
	Client *kube.Client
	// Namespace is where ConfigMaps are looked for.
	Namespace string
	// Chart returns the files of the chart in question, by their paths below its root; nil when
	// there is none.
	Chart func() (map[string][]byte, error)
	// Rendered returns the ConfigMaps that Helm is going to apply, which count before the cluster has
	// them; nil when there are none.
	Rendered func() ([]corev1.ConfigMap, error)
	// Recorded returns the documents that the run which applied the release read; nil when it is not
	// asked for.
	Recorded func(context.Context) ([]format.Document, error)
	// Release is what the annotation kubectl-tasks.io/release must name; empty when the tasks
	// are not for a release.
	Release string
}

// Named returns the documents that the user named: a file, a directory with a task file in it,
// "-" for standard input, "chart" for the chart's own files, or configmap/NAME[/KEY]. What is not there or has no known format is
// an error.
func (f Finder) Named(ctx context.Context, references []string) ([]format.Document, error) {
	var documents []format.Document
	for i, ref := range references {
		if slices.Contains(references[:i], ref) {
			return nil, fmt.Errorf("%s is named twice", shownName(ref))
		}
		found, err := f.named(ctx, ref)
		if err != nil {
			return nil, err
		}
		documents = append(documents, found...)
	}
	return documents, nil
}

func (f Finder) named(ctx context.Context, ref string) ([]format.Document, error) {
	for _, prefix := range []string{"configmap/", "configmaps/", "cm/"} {
		if rest, ok := strings.CutPrefix(ref, prefix); ok {
			name, key, _ := strings.Cut(rest, "/")
			return f.configMap(ctx, name, key)
		}
	}
	switch ref {
	case "-":
		return f.standardInput()
	case chartReference:
		documents, err := f.chart()
		if err == nil && len(documents) == 0 {
			err = fmt.Errorf("the chart has no task file (%s)", f.Formats.FileNames())
		}
		return documents, err
	}
	return f.path(ref)
}

// shownName is what a reference is called in messages.
func shownName(ref string) string {
	if ref == "-" {
		return "standard input"
	}
	return ref
}

// Discover returns the documents that are meant without being named: the task files of the
// directory, else those of the ConfigMaps annotated for the release, else those of the record, else
// those of the chart. The notes say where it could not look.
func (f Finder) Discover(ctx context.Context) (documents []format.Document, notes []string, err error) {
	documents, err = f.directory(f.Dir, "")
	if err != nil || len(documents) > 0 {
		return documents, nil, err
	}
	if f.Client != nil {
		documents, notes, err = f.annotated(ctx)
		if err != nil || len(documents) > 0 {
			return documents, notes, err
		}
	}
	if f.Recorded != nil {
		documents, err = f.Recorded(ctx)
		if err != nil || len(documents) > 0 {
			return documents, notes, err
		}
	}
	if f.Chart != nil {
		documents, err = f.chart()
	}
	return documents, notes, err
}

// Looked says where Discover looks, for who has found nothing: "the working directory (tasks.yaml, …), the chart".
func (f Finder) Looked() string {
	places := []string{fmt.Sprintf("the working directory (%s)", f.Formats.FileNames())}
	if f.Client != nil && f.Release != "" {
		places = append(places, fmt.Sprintf("the ConfigMaps of namespace %q annotated for release %q", f.Namespace, f.Release))
	}
	if f.Recorded != nil {
		places = append(places, "the record of the release")
	}
	if f.Chart != nil {
		places = append(places, "the chart")
	}
	return strings.Join(places, ", ")
}

// notThereError is a file that a source does not have.
type notThereError struct{ message string }

// Error says where it is not.
func (e notThereError) Error() string { return e.message }

// Is makes it fs.ErrNotExist.
func (e notThereError) Is(target error) bool { return target == fs.ErrNotExist }

// ErrTooLarge is a document that is longer than any is.
var ErrTooLarge = fmt.Errorf("a task document may have at most %d bytes", maxBytes)

func tooLarge(name string) error { return fmt.Errorf("%s: %w", name, ErrTooLarge) }
