package keptn

import (
	"cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// build adds the tasks of the objects that were read.
func (p *parser) build() {
	used := map[string]bool{}
	for _, a := range p.keptnTasks {
		used[a.Spec.TaskDefinition] = true
	}
	for _, a := range p.keptnTasks {
		p.addKeptnTask(a)
	}
	for _, name := range p.order {
		d := p.definitions[name]
		if used[name] {
			continue
		}
		p.addTask(d, name, d.at(d.node), invocation{context: task.KeptnContext{AppName: p.opts.Release, ObjectType: "App"}})
	}
}

// addKeptnTask adds the task of a KeptnTask.
func (p *parser) addKeptnTask(a locatedTask) {
	name := a.Metadata.Name
	switch {
	case name == "":
		p.fail(p.at(nodeAt(a.node, "metadata")), "", "", "a KeptnTask needs a name")
		return
	case a.Spec.TaskDefinition == "":
		p.fail(p.at(nodeAt(a.node, "spec")), name, "", "KeptnTask %q needs a taskDefinition", name)
		return
	case a.Spec.Timeout != nil && !validTimeout.MatchString(*a.Spec.Timeout):
		p.fail(p.at(nodeAt(a.node, "spec", "timeout")), name, "", "invalid timeout %q; write a duration such as 5m", *a.Spec.Timeout)
		return
	case p.inOtherNamespace(a.Metadata.Namespace) && !p.opts.Lenient:
		p.fail(p.at(nodeAt(a.node, "metadata", "namespace")), name, "add -n "+a.Metadata.Namespace,
			"the KeptnTask is in namespace %q, and the run is in %q", a.Metadata.Namespace, p.opts.Namespace)
		return
	}
	d := p.definitions[a.Spec.TaskDefinition]
	if d == nil {
		p.failMissing(p.at(nodeAt(a.node, "spec", "taskDefinition")), name, a.Spec.TaskDefinition)
		return
	}
	retries, timeout := p.attempts(a, d)
	c := invocation{
		name: name, retries: &retries, timeout: &timeout,
		context: task.KeptnContext{
			WorkloadName: cmp.Or(a.Spec.Context.WorkloadName, a.Spec.Workload), WorkloadVersion: cmp.Or(a.Spec.Context.WorkloadVersion, a.Spec.WorkloadVersion),
			AppName: cmp.Or(a.Spec.Context.AppName, a.Spec.App), AppVersion: cmp.Or(a.Spec.Context.AppVersion, a.Spec.AppVersion),
			TaskType: cmp.Or(a.Spec.Context.TaskType, a.Spec.Type), ObjectType: a.Spec.Context.ObjectType, Metadata: a.Spec.Context.Metadata,
		},
	}
	if a.Spec.Parameters != nil {
		c.parameters = a.Spec.Parameters.Map
	}
	if a.Spec.SecureParameters != nil {
		c.secret = a.Spec.SecureParameters.Secret
	}
	p.addTask(d, name, p.at(a.node), c)
}

// attempts returns the retries and the timeout of a KeptnTask. Missing values are the defaults of its CRD, even if
// its definition has other values.
func (p *parser) attempts(a locatedTask, d *locatedDefinition) (retries int32, timeout string) {
	retries, timeout = defaultRetries, defaultTimeout
	other := func(field string, has, of any) {
		p.warn(p.at(nodeAt(a.node, "spec")), a.Metadata.Name, "set it in the KeptnTask", "KeptnTask %q has no %s, and so %v, not the %v of its definition, as in Keptn", a.Metadata.Name, field, has, of)
	}
	if a.Spec.Retries != nil {
		retries = *a.Spec.Retries
	} else if of := d.Spec.Retries; of != nil && *of != retries {
		other("retries", retries, *of)
	}
	if a.Spec.Timeout != nil {
		timeout = *a.Spec.Timeout
	} else if of := d.Spec.Timeout; of != nil && *of != timeout {
		other("timeout", timeout, *of)
	}
	return retries, timeout
}

// addTask adds a task that runs a definition.
func (p *parser) addTask(d *locatedDefinition, name string, at task.Position, c invocation) {
	k, timeout, ok := p.keptn(d, c)
	if !ok {
		return
	}
	var executor task.Executor = k
	if p.converting {
		executor = p.native(k, d, c)
	}
	p.tasks = append(p.tasks, task.Task{
		Name: name, Executor: executor, Policy: task.Policy{Timeout: timeout}, Position: at, Source: p.opts.Source,
	})
}
