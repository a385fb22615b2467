package keptn

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxBytes limits the size of a document.
const maxBytes = 1 << 20

// group is the API group of Keptn's lifecycle objects.
const group = "lifecycle.keptn.sh/"

// metricsGroup is the API group of Keptn's metrics.
const metricsGroup = "metrics.keptn.sh/"

// versions are the API versions of Keptn's objects.
var versions = []string{"v1", "v1beta1", "v1alpha4", "v1alpha3", "v1alpha2", "v1alpha1"}

var ofKeptn = regexp.MustCompile(`(?m)(^|[{,\s])["']?apiVersion["']?\s*:\s*["']?(lifecycle|metrics)\.keptn\.sh/`)

// Recognises reports whether the text looks like a document with objects of Keptn.
func Recognises(text []byte) bool { return ofKeptn.Match(text) }

// Parse returns the tasks of a document, and all findings about it; no tasks when a finding is an error. The tasks
// are each KeptnTask, and each definition that no KeptnTask of the document runs. They have no phase. Objects of
// other groups are ignored.
func Parse(text []byte, opts Options) ([]task.Task, task.Diagnostics) {
	p := &parser{opts: opts, definitions: map[string]*locatedDefinition{}}
	return p.parse(text)
}

func (p *parser) parse(text []byte) ([]task.Task, task.Diagnostics) {
	if p.checkText(text) {
		p.read(p.opts.Source, text)
		p.readOthers()
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
	// file is the name of the current document, fallback reports whether it is one (see Document).
	file     string
	fallback bool

	definitions map[string]*locatedDefinition
	// order are the names of the definitions in the order of the document.
	order      []string
	keptnTasks []locatedTask
	// wiring is set when the tasks are those of a release. apps and contexts are by the name of the app.
	wiring   *Wiring
	apps     map[string]*app
	contexts map[string]*appContext

	evaluationDefinitions map[string]*evaluationDefinition
	metrics               map[string]*metric
	providers             map[string]*provider
	// converting reports that tasks get executors that tasks.yaml has.
	converting bool

	tasks []task.Task
	found task.Diagnostics
}

// locatedDefinition is a definition with its position.
type locatedDefinition struct {
	definition

	node *yaml.Node
	file string
}

// at returns the position of a node of the definition.
func (d *locatedDefinition) at(n *yaml.Node) task.Position {
	return task.Position{File: d.file, Line: n.Line, Column: n.Column}
}

// locatedTask is a KeptnTask with its position.
type locatedTask struct {
	taskObject

	node *yaml.Node
}

// checkText reports whether a text is small enough and UTF-8.
func (p *parser) checkText(text []byte) bool {
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

// readOthers reads the definitions of other documents. Their findings are reported when these are parsed themselves.
func (p *parser) readOthers() {
	for _, o := range p.opts.Others {
		other := &parser{opts: p.opts, definitions: map[string]*locatedDefinition{}}
		if o.Source.Name == p.opts.Source.Name || !other.checkText(o.Text) {
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
			p.failError(&root, err)
			continue
		}
		if len(expanded.Content) > 0 {
			p.object(expanded.Content[0])
		}
	}
}
