package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Finder finds the documents for one release.
type Finder struct {
	// Formats are the formats that documents can have.
	Formats format.List
	// Format is the name of the format of documents that the user names. Empty means that their names and
	// texts decide.
	Format string
	// Dir is the directory that is searched, and that relative paths start from.
	Dir string
	// Stdin returns the content of the reference "-".
	Stdin func() ([]byte, error)
	// Client reads ConfigMaps; nil without a cluster.
	Client *kube.Client
	// Namespace is the namespace of ConfigMaps.
	Namespace string
	// Chart returns the files of the chart, by their paths below its root; nil without a chart.
	Chart func() (map[string][]byte, error)
	// Rendered returns the ConfigMaps that Helm is going to apply. They override those of the cluster. May
	// be nil.
	Rendered func() ([]corev1.ConfigMap, error)
	// Recorded returns the documents of the run that applied the release; nil excludes them from Discover.
	Recorded func(context.Context) ([]format.Document, error)
	// Release is the value of the annotation kubectl-tasks.io/release on ConfigMaps; empty when the tasks
	// are not for a release.
	Release string
}

// Named returns the documents of references: a file, a directory with a task file, "-" for standard input,
// "chart" for the chart's own files, or configmap/NAME[/KEY]. A reference that does not exist or has no known
// format is an error.
func (f Finder) Named(ctx context.Context, references []string) ([]format.Document, error) {
	var documents []format.Document
	for i, ref := range references {
		if slices.Contains(references[:i], ref) {
			return nil, fmt.Errorf("%s is named twice", displayName(ref))
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

// displayName returns the name of a reference in messages.
func displayName(ref string) string {
	if ref == "-" {
		return "standard input"
	}
	return ref
}

// Discover returns the documents of the first place that has some: the task files of the directory, the
// ConfigMaps annotated for the release, the record of the release, the chart. The notes name the places that
// could not be searched.
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

// searched lists the places that Discover searches: "the working directory (tasks.yaml, …), the chart".
func (f Finder) searched() string {
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
