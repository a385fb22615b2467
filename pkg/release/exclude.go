package release

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"helm.sh/helm/v3/pkg/postrender"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// excluder is a post-renderer that removes objects from what Helm applies.
type excluder struct {
	// next is the user's own post-renderer, which runs first; nil if there is none.
	next postrender.PostRenderer
	// match reports whether an object is excluded, by its API version and kind.
	match func(apiVersion, kind string) bool
	// excluded are the YAML documents that the last run removed.
	excluded [][]byte
}

// separator begins each document of a manifest.
const separator = "---\n"

// exclude returns a post-renderer that runs next, and then removes the objects of which match returns true. A change can
// be prepared again: the excluder of the earlier preparation is replaced, or it would keep the objects from the new one.
func exclude(next postrender.PostRenderer, match func(apiVersion, kind string) bool) *excluder {
	if earlier, ok := next.(*excluder); ok {
		next = earlier.next
	}
	return &excluder{next: next, match: match}
}

// Run implements postrender.PostRenderer. The other documents stay the same, byte for byte.
func (e *excluder) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	if e.next != nil {
		var err error
		if rendered, err = e.next.Run(rendered); err != nil {
			return nil, err
		}
	}
	e.excluded = nil
	var rest bytes.Buffer
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(rendered.Bytes())))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return &rest, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the rendered manifests: %w", err)
		}
		if e.excludes(document) {
			e.excluded = append(e.excluded, document)
			continue
		}
		rest.WriteString(separator)
		rest.Write(bytes.TrimPrefix(document, []byte(separator)))
		if !bytes.HasSuffix(document, []byte("\n")) {
			rest.WriteByte('\n')
		}
	}
}

func (e *excluder) excludes(document []byte) bool {
	var object struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	return yaml.Unmarshal(document, &object) == nil && e.match(object.APIVersion, object.Kind)
}

// Exclude keeps the objects of which match returns true out of what Apply applies.
func (i *Install) Exclude(match func(apiVersion, kind string) bool) {
	i.client.PostRenderer = exclude(i.client.PostRenderer, match)
}

// Excluded returns the YAML of the objects that the last rendering excluded.
func (i *Install) Excluded() [][]byte { return excludedBy(i.client.PostRenderer) }

// Exclude keeps the objects of which match returns true out of what Apply applies.
func (u *Upgrade) Exclude(match func(apiVersion, kind string) bool) {
	u.client.PostRenderer = exclude(u.client.PostRenderer, match)
}

// Excluded returns the YAML of the objects that the last rendering excluded.
func (u *Upgrade) Excluded() [][]byte { return excludedBy(u.client.PostRenderer) }

func excludedBy(p postrender.PostRenderer) [][]byte {
	if e, ok := p.(*excluder); ok {
		return e.excluded
	}
	return nil
}
