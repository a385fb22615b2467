package keptn

import "github.com/kubectl-tasks/kubectl-tasks/pkg/task"

// Deviations are what a run of the tasks, converted to our own format, does otherwise than Keptn (spec
// keptn.md), a line each.
var Deviations = []string{
	"A script runs in a pod that is started once; Keptn restarts its container up to retries times within the timeout.",
	"KEPTN_CONTEXT tells the release as the app; what Keptn knows of workloads and versions is not in it.",
}

// Convert returns the tasks of a document with executors that our own format has: functions for scripts,
// Jobs for containers.
func Convert(text []byte, opts Options) ([]task.Task, task.Diagnostics) {
	opts.Looking = true
	p := &parser{opts: opts, definitions: map[string]*defined{}, converting: true}
	return p.parse(text)
}

// native returns the executor of our own format that runs a definition.
func (p *parser) native(k task.Keptn, d *defined, c call) task.Executor {
	spec := k.Job.Spec.Template.Spec
	if d.Spec.Container != nil {
		j := task.Job{Spec: k.Job.Spec, Main: k.Main}
		j.Spec.ActiveDeadlineSeconds = nil // the task's timeout is
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
