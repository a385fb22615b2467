package native

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// runOnChange is the value of run for tasks with a fingerprint.
const runOnChange = "onChange"

// fingerprint returns the fingerprint of a task with run: onChange; nil for other tasks.
func (p *parser) fingerprint(t Task, n *yaml.Node, facts expression.Facts) *task.Fingerprint {
	fail := func(key, format string, args ...any) {
		p.fail(strict.At(valueAt(valueAt(n, "fingerprint"), key), "task %q: "+format, append([]any{t.Name}, args...)...), t.Name)
	}
	switch {
	case t.Run != "" && t.Run != "always" && t.Run != runOnChange:
		p.fail(strict.At(valueAt(n, "run"), "task %q: run is %q; it must be always or onChange", t.Name, t.Run), t.Name)
		return nil
	case t.Run != runOnChange && t.Fingerprint != nil:
		fail("", "fingerprint needs run: onChange")
		return nil
	case t.Run != runOnChange:
		return nil
	case t.Fingerprint == nil:
		p.fail(strict.At(valueAt(n, "run"), "task %q: run: onChange needs a fingerprint", t.Name), t.Name)
		return nil
	}
	f := t.Fingerprint
	sum := sha256.New()
	for i, image := range f.Images {
		p.reference(t.Name, "one of the images", image, valueAt(valueAt(n, "fingerprint"), "images").Content[i])
	}
	if p.unevaluated {
		return &task.Fingerprint{Images: f.Images}
	}
	for _, pattern := range f.Files {
		p.sumFiles(sum, pattern, fail)
	}
	for _, path := range f.Values {
		p.sumValue(sum, path, facts, fail)
	}
	add(sum, "text", p.evaluateNow(t, valueAt(n, "fingerprint"), "text", f.Text, facts))
	return &task.Fingerprint{Digest: hex.EncodeToString(sum.Sum(nil)), Images: f.Images}
}

// add adds parts to a sum, each with its length: the same bytes in other parts must result in another sum.
func add(sum io.Writer, parts ...string) {
	for _, s := range parts {
		fmt.Fprintf(sum, "%d:%s", len(s), s)
	}
}

// sumFiles adds the paths and the texts of the files that match a pattern.
func (p *parser) sumFiles(sum io.Writer, pattern string, fail func(key, format string, args ...any)) {
	if p.options.Glob == nil {
		fail("files", "%s: the document has no directory", pattern)
		return
	}
	paths, err := p.options.Glob(pattern)
	if err != nil {
		fail("files", "%s: %v", pattern, err)
		return
	}
	if len(paths) == 0 {
		fail("files", "no file matches %s", pattern)
	}
	for _, path := range paths {
		text, err := p.options.ReadFile(path)
		if err != nil {
			fail("files", "%v", err)
		}
		add(sum, "file", path, string(text))
	}
}

// sumValue adds a value of the release, by its path with dots.
func (p *parser) sumValue(sum io.Writer, path string, facts expression.Facts, fail func(key, format string, args ...any)) {
	var v any = map[string]any{}
	if facts.Values != nil {
		values, err := facts.Values()
		if err != nil {
			fail("values", "the release's values: %v", err)
			return
		}
		v = values
	}
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	text, err := json.Marshal(v)
	if err != nil {
		fail("values", "%s: %v", path, err)
	}
	add(sum, "value", path, string(text))
}
