package keptn

import "github.com/kubectl-tasks/kubectl-tasks/pkg/task"

// Deviations are the differences between Keptn and a run of the converted tasks (spec keptn.md), a line each.
var Deviations = []string{
	"A script runs in a pod that starts once; Keptn restarts its container up to retries times within the timeout.",
	"KEPTN_CONTEXT has the release as the app; it has no workloads and versions of Keptn.",
}

// Convert returns the tasks of a document with executors that tasks.yaml has (functions for scripts, Jobs for
// containers), and all findings about the document.
func Convert(text []byte, opts Options) ([]task.Task, task.Diagnostics) {
	opts.Lenient = true
	p := &parser{opts: opts, definitions: map[string]*locatedDefinition{}, converting: true}
	return p.parse(text)
}

// native returns an executor of tasks.yaml that runs a definition.
func (p *parser) native(k task.Keptn, d *locatedDefinition, c invocation) task.Executor {
	spec := k.Job.Spec.Template.Spec
	if d.Spec.Container != nil {
		j := task.Job{Spec: k.Job.Spec, Main: k.Main}
		j.Spec.ActiveDeadlineSeconds = nil // the task has the timeout
		return j
	}
	s, _ := p.script(d)
	f := task.Function{
		Runtime: s.runtime, Code: s.code, URL: s.url, Parameters: s.parameters, Secret: k.Secret, Arguments: s.arguments,
		Metadata: c.context.Metadata, ServiceAccountName: spec.ServiceAccountName, ImagePullSecrets: spec.ImagePullSecrets,
		Labels: d.Metadata.Labels, Annotations: d.Metadata.Annotations,
	}
	if s.code == "" {
		f.ConfigMap = s.codeMap
	}
	for name, v := range c.parameters {
		if _, has := f.Parameters[name]; !has {
			f.Parameters[name] = v
		}
	}
	return f
}
