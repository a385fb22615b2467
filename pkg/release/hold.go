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

// holder is a post-renderer that keeps some objects out of what Helm applies.
type holder struct {
	// next is the user's own post-renderer, which sees them; nil when there is none.
	next postrender.PostRenderer
	// kept tells which, by API version and kind.
	kept func(apiVersion, kind string) bool
	// held are the objects as they were rendered last.
	held [][]byte
}

// separator begins each document of a manifest.
const separator = "---\n"

// Run implements postrender.PostRenderer. What it does not keep out stays as it is, byte for byte.
func (h *holder) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	if h.next != nil {
		var err error
		if rendered, err = h.next.Run(rendered); err != nil {
			return nil, err
		}
	}
	h.held = nil
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
		if h.holds(document) {
			h.held = append(h.held, document)
			continue
		}
		rest.WriteString(separator)
		rest.Write(bytes.TrimPrefix(document, []byte(separator)))
		if !bytes.HasSuffix(document, []byte("\n")) {
			rest.WriteByte('\n')
		}
	}
}

func (h *holder) holds(document []byte) bool {
	var object struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	return yaml.Unmarshal(document, &object) == nil && h.kept(object.APIVersion, object.Kind)
}

// Hold keeps objects out of what Apply applies, by API version and kind; Next makes them known to Held.
func (i *Install) Hold(kept func(apiVersion, kind string) bool) {
	i.client.PostRenderer = &holder{next: i.client.PostRenderer, kept: kept}
}

// Held returns the YAML of the objects that Hold kept out when the chart was rendered last.
func (i *Install) Held() [][]byte { return heldBy(i.client.PostRenderer) }

// Hold is Install.Hold.
func (u *Upgrade) Hold(kept func(apiVersion, kind string) bool) {
	if u.instead != nil {
		u.instead.Hold(kept)
		return
	}
	u.client.PostRenderer = &holder{next: u.client.PostRenderer, kept: kept}
}

// Held is Install.Held.
func (u *Upgrade) Held() [][]byte {
	if u.instead != nil {
		return u.instead.Held()
	}
	return heldBy(u.client.PostRenderer)
}

func heldBy(p postrender.PostRenderer) [][]byte {
	if h, ok := p.(*holder); ok {
		return h.held
	}
	return nil
}

// Hold does nothing: what a revision has was held when it was applied.
func (r *Rollback) Hold(func(apiVersion, kind string) bool) {}

// Held returns nothing.
func (r *Rollback) Held() [][]byte { return nil }

// Hold does nothing: an uninstall applies nothing.
func (u *Uninstall) Hold(func(apiVersion, kind string) bool) {}

// Held returns nothing.
func (u *Uninstall) Held() [][]byte { return nil }
