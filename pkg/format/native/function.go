package native

import (
	"maps"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxCode limits a script in a document. Scripts are stored in an annotation, and all annotations of an object
// together may have 256 KiB.
const maxCode = 200 << 10

func (p *parser) function(t Task, n *yaml.Node) task.Executor {
	f := *t.Function
	fail := func(key, format string, args ...any) {
		p.fail(strict.At(valueAt(n, key), "task %q: "+format, append([]any{t.Name}, args...)...), t.Name)
	}
	given := 0
	for _, s := range []string{f.Code, f.File, f.ConfigMap, f.URL, f.From} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		fail("", "a function needs exactly one of code, file, configMap, url and from")
		return nil
	}
	if f.From != "" {
		var ok bool
		if f, ok = p.inherit(f); !ok {
			fail("from", "from is %q, but this document has no task of that name with its own function", t.Function.From)
			return nil
		}
	}
	if f.File != "" {
		if p.options.ReadFile == nil {
			fail("file", "%s: the document has no directory", f.File)
			return nil
		}
		text, err := p.options.ReadFile(f.File)
		if err != nil {
			fail("file", "%v", err)
		}
		f.Code = string(text)
	}
	switch task.Runtime(f.Runtime) {
	case task.Deno, task.Python:
	default:
		fail("runtime", "the runtime is %q; it must be deno or python", f.Runtime)
	}
	if len(f.Code) > maxCode {
		fail("code", "the script has %d KiB; the limit is %d KiB: use a ConfigMap", len(f.Code)>>10, maxCode>>10)
	}
	if f.Key != "" && f.ConfigMap == "" {
		fail("key", "key needs a configMap")
	}
	return task.Function{
		Runtime: task.Runtime(f.Runtime), Image: f.Image, Command: f.Command,
		Code: f.Code, ConfigMap: f.ConfigMap, Key: f.Key, URL: f.URL,
		Parameters: f.Parameters, Secret: f.Secret, Arguments: f.Args, Metadata: f.Metadata, Env: f.Env,
		ServiceAccountName: f.ServiceAccountName, ImagePullSecrets: f.ImagePullSecrets, Labels: f.Labels, Annotations: f.Annotations,
	}
}

// inherit returns the function with the code of another one, and with those of its parameters that it does not
// set itself or sets to an empty value, as Keptn merges them (spec keptn.md § 3.1, functionRef).
func (p *parser) inherit(f Function) (Function, bool) {
	of := p.functions[f.From]
	if of == nil || of.From != "" {
		return f, false
	}
	f.Runtime, f.Image, f.Command = of.Runtime, of.Image, of.Command
	f.Code, f.File, f.ConfigMap, f.Key, f.URL = of.Code, of.File, of.ConfigMap, of.Key, of.URL
	parameters := maps.Clone(of.Parameters)
	for k, v := range f.Parameters {
		if parameters == nil {
			parameters = map[string]string{}
		}
		if v != "" || parameters[k] == "" {
			parameters[k] = v
		}
	}
	f.Parameters = parameters
	if f.Secret == "" {
		f.Secret = of.Secret
	}
	if f.Args == "" {
		f.Args = of.Args
	}
	return f, true
}
