package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
)

// Found is the result of a search for documents.
type Found struct {
	Documents []format.Document
	// Searched lists the places that were searched, for messages; empty when the user named the documents.
	Searched string
	// Notes name the places that could not be searched.
	Notes []string
}

// UsageError is about what the user named, or about a file of the working directory.
type UsageError struct{ Err error }

// Error returns the reason.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *UsageError) Unwrap() error { return e.Err }

// Find returns the documents that the references name (see Named) or, without references, those that
// Discover finds. The error is a *UsageError, or an error of the cluster.
func (f Finder) Find(ctx context.Context, references []string) (Found, error) {
	switch {
	case f.Format == "":
	case !slices.Contains(f.Formats.Names(), f.Format):
		return Found{}, &UsageError{fmt.Errorf("--format is %q; it must be one of %s", f.Format, strings.Join(f.Formats.Names(), ", "))}
	case len(references) == 0:
		return Found{}, &UsageError{errors.New("--format needs --tasks; name a file")}
	}
	if len(references) > 0 {
		documents, err := f.Named(ctx, references)
		if err != nil {
			return Found{}, &UsageError{err}
		}
		return Found{Documents: documents}, nil
	}
	documents, notes, err := f.Discover(ctx)
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) || errors.Is(err, ErrTooLarge) {
		err = &UsageError{err}
	}
	return Found{Documents: documents, Searched: f.searched(), Notes: notes}, err
}

// ConfigMaps returns the ConfigMaps among the objects of a chart.
func ConfigMaps(objects []*unstructured.Unstructured) ([]corev1.ConfigMap, error) {
	var found []corev1.ConfigMap
	for _, o := range objects {
		if o.GetAPIVersion() != "v1" || o.GetKind() != "ConfigMap" {
			continue
		}
		var cm corev1.ConfigMap
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &cm); err != nil {
			return nil, fmt.Errorf("configmap/%s of the chart: %w", o.GetName(), err)
		}
		found = append(found, cm)
	}
	return found, nil
}
