package keptn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxBytes is how large a document may be.
const maxBytes = 1 << 20

// Options are what reading a document depends on besides its text.
type Options struct {
	// Source is the document; its Name is the file in every position.
	Source task.Source
	// Namespace is that of the run; empty when it is not known.
	Namespace string
	// Release is what the run acts on; it is the app of definitions that nobody else speaks of.
	Release string
	// Images are the runner images, by runtime.
	Images map[task.Runtime]string
	// Namespaces are where definitions of the cluster were looked for; none when it has no Keptn.
	Namespaces []string
	// Others are documents whose definitions this one can refer to.
	Others []Document
	// Looking reports that nothing is run, so that what is missing is no error.
	Looking bool
}

// Document is the text of a document, and where it came from.
type Document struct {
	Source task.Source
	Text   []byte
	// Spare documents count only for what others do not define.
	Spare bool
}

// group is that of Keptn's lifecycle objects.
const group = "lifecycle.keptn.sh/"

// metricsGroup is that of its metrics.
const metricsGroup = "metrics.keptn.sh/"

// versions are those of Keptn's objects.
var versions = []string{"v1", "v1beta1", "v1alpha4", "v1alpha3", "v1alpha2", "v1alpha1"}

var ofKeptn = regexp.MustCompile(`(?m)(^|[{,\s])["']?apiVersion["']?\s*:\s*["']?(lifecycle|metrics)\.keptn\.sh/`)

// Recognises reports whether the text has objects of Keptn, as far as a look at it tells.
func Recognises(text []byte) bool { return ofKeptn.Match(text) }

// Parse returns the tasks of a document, and everything there is to say about it: each KeptnTask, and
// each definition that no KeptnTask of the document runs. They have no phase. When one of the findings is
// an error, there are no tasks. Objects that are not Keptn's are left alone.
func Parse(text []byte, opts Options) ([]task.Task, task.Diagnostics) {
	p := &parser{opts: opts, definitions: map[string]*defined{}}
	return p.parse(text)
}

func (p *parser) parse(text []byte) ([]task.Task, task.Diagnostics) {
	if p.readable(text) {
		p.read(p.opts.Source, text)
		p.others()
		p.build()
	}
	p.found.Sort()
	if p.found.Err() != nil {
		return nil, p.found
	}
	return p.tasks, p.found
}

type parser struct {
	opts Options
	// file is the name of the document that is read, spare reports that it is one.
	file  string
	spare bool

	definitions map[string]*defined
	// order are the names of the definitions as they stand in the document.
	order []string
	runs  []asked
	// wiring is set when the tasks are those of a release; apps and contexts are by the app's name.
	wiring   *Wiring
	apps     map[string]*app
	contexts map[string]*appContext

	evaluationDefinitions map[string]*evaluationDefinition
	metrics               map[string]*metric
	providers             map[string]*provider
	// converting reports that tasks get executors of our own format.
	converting bool

	tasks []task.Task
	found task.Diagnostics
}

// defined is a definition with its place.
type defined struct {
	definition

	node *yaml.Node
	file string
}

// at returns the place of a node of the definition.
func (d *defined) at(n *yaml.Node) task.Position {
	return task.Position{File: d.file, Line: n.Line, Column: n.Column}
}

// asked is a KeptnTask with its place.
type asked struct {
	taskObject

	node *yaml.Node
}

func (p *parser) readable(text []byte) bool {
	at := task.Position{File: p.opts.Source.Name}
	switch {
	case len(text) > maxBytes:
		p.fail(at, "", "", "the file is larger than %d bytes", maxBytes)
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		p.fail(at, "", "save the file as UTF-8", "the file is not UTF-8 text")
	default:
		return true
	}
	return false
}

func (p *parser) fail(at task.Position, name, hint, format string, args ...any) {
	p.found = append(p.found, task.Diagnostic{Position: at, Severity: task.Error, Task: name, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (p *parser) warn(at task.Position, name, hint, format string, args ...any) {
	p.found = append(p.found, task.Diagnostic{Position: at, Severity: task.Warning, Task: name, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (p *parser) at(n *yaml.Node) task.Position {
	return task.Position{File: p.file, Line: n.Line, Column: n.Column}
}

// yamlLine is how the library tells where something is wrong.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// others reads the definitions of other documents. What is wrong with them is said where they are read
// themselves.
func (p *parser) others() {
	for _, o := range p.opts.Others {
		other := &parser{opts: p.opts, definitions: map[string]*defined{}}
		if o.Source.Name == p.opts.Source.Name || !other.readable(o.Text) {
			continue
		}
		other.read(o.Source, o.Text)
		for name, d := range other.definitions {
			if p.definitions[name] == nil {
				p.definitions[name] = d
			}
		}
	}
}

// read reads the objects of a text.
func (p *parser) read(source task.Source, text []byte) {
	p.file = source.Name
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			m := yamlLine.FindStringSubmatch(err.Error())
			line, _ := strconv.Atoi(m[1])
			p.fail(task.Position{File: p.file, Line: line}, "", "", "not YAML: %s", strings.TrimPrefix(err.Error(), m[0]))
			return
		}
		expanded, err := strict.Expand(&root)
		if err != nil {
			p.wrong(&root, err)
			continue
		}
		if len(expanded.Content) > 0 {
			p.object(expanded.Content[0])
		}
	}
}

func (p *parser) wrong(n *yaml.Node, err error) {
	at := p.at(n)
	if e, ok := errors.AsType[strict.Error](err); ok {
		at.Line, at.Column = e.Line, e.Column
	}
	p.fail(at, "", "", "%v", err)
}

// scalar returns the text of a key; "" when it has none.
func scalar(n *yaml.Node, key string) string {
	if v := value(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// value returns the value of a key; nil when there is none.
func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// nearest returns the node at the path, or as much of the way as there is.
func nearest(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		next := value(n, key)
		if next == nil {
			break
		}
		n = next
	}
	return n
}

// object takes an object if it is Keptn's.
func (p *parser) object(n *yaml.Node) {
	version, ours := strings.CutPrefix(scalar(n, "apiVersion"), group)
	if !ours {
		version, ours = strings.CutPrefix(scalar(n, "apiVersion"), metricsGroup)
	}
	if !ours {
		return
	}
	kind := scalar(n, "kind")
	if !slices.Contains(versions, version) {
		p.fail(p.at(nearest(n, "apiVersion")), "", "", "a %s is of %s%s, not %q", kind, group, strings.Join(versions, ", "), version)
		return
	}
	if !p.checkVersion(kind, version, n) {
		return
	}
	switch kind {
	case "KeptnTaskDefinition":
		d := &defined{node: n, file: p.file}
		if p.spare && p.definitions[nameOf(n)] != nil {
			return
		}
		if p.decode(n, &d.definition) {
			p.define(d)
		}
	case "KeptnTask":
		a := asked{node: n}
		if p.decode(n, &a.taskObject) {
			p.runs = append(p.runs, a)
		}
	case "KeptnApp":
		if a := new(app); p.decode(n, a) && p.wiring != nil {
			p.apps[a.Metadata.Name] = a
		}
	case "KeptnEvaluationDefinition":
		if e := (&evaluationDefinition{node: n, file: p.file}); p.decode(n, e) && p.wiring != nil {
			p.evaluationDefinitions[e.Metadata.Name] = e
		}
	case "KeptnMetric":
		if m := new(metric); p.decode(n, m) && p.wiring != nil {
			p.metrics[m.Metadata.Name] = m
		}
	case "KeptnMetricsProvider":
		if m := new(provider); p.decode(n, m) && p.wiring != nil {
			p.providers[m.Metadata.Name] = m
		}
	case "KeptnAppContext":
		if c := new(appContext); p.decode(n, c) && p.wiring != nil {
			p.contexts[c.Metadata.Name] = c
		}
	}
}

// decode fills target, and reports whether all of the object was understood.
func (p *parser) decode(n *yaml.Node, target any) bool {
	wrong := strict.Decode(n, reflect.ValueOf(target).Elem())
	for _, e := range wrong {
		p.fail(task.Position{File: p.file, Line: e.Line, Column: e.Column}, nameOf(n), "", "%s", e.Message)
	}
	return len(wrong) == 0
}
