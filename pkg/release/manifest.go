package release

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// objects returns the objects of a manifest in its order, with the items of lists in their place. Objects without a
// namespace get the given one, also cluster-scoped ones, for which it has no meaning.
func objects(manifest, namespace string) ([]*unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
	var all []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the release's manifest: %w", err)
		}
		if len(object.Object) == 0 {
			continue
		}
		if object.IsList() {
			err = object.EachListItem(func(item runtime.Object) error {
				all = append(all, inNamespace(item.(*unstructured.Unstructured), namespace))
				return nil
			})
			if err != nil {
				return nil, fmt.Errorf("reading a list of the release's manifest: %w", err)
			}
			continue
		}
		all = append(all, inNamespace(object, namespace))
	}
}

// inNamespace sets the namespace of an object that has none.
func inNamespace(object *unstructured.Unstructured, namespace string) *unstructured.Unstructured {
	if object.GetNamespace() == "" {
		object.SetNamespace(namespace)
	}
	return object
}

// isNotFound reports whether an error says that a release does not exist.
func isNotFound(err error) bool { return errors.Is(err, driver.ErrReleaseNotFound) }
