package lagoon

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// resource is a LagoonTask (spec lagoon.md § 2a). Some versions of Lagoon wrote numbers as strings, and strings as
// numbers.
type resource struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Key  string `json:"key"`
		Task struct {
			ID       looseString `json:"id"`
			Name     string      `json:"name"`
			TaskName string      `json:"taskName"`
			Service  string      `json:"service"`
			Command  string      `json:"command"`
		} `json:"task"`
		Project struct {
			ID        looseString `json:"id"`
			Name      string      `json:"name"`
			Variables struct {
				Project     string `json:"project"`
				Environment string `json:"environment"`
			} `json:"variables"`
			Organization struct {
				ID   looseString `json:"id"`
				Name string      `json:"name"`
			} `json:"organization"`
		} `json:"project"`
		Environment struct {
			ID   looseString `json:"id"`
			Name string      `json:"name"`
		} `json:"environment"`
		AdvancedTask *struct {
			RunnerImage   string      `json:"runnerImage"`
			JSONPayload   string      `json:"JSONPayload"`
			DeployerToken looseString `json:"deployerToken"`
			SSHKey        looseString `json:"sshKey"`
			VolumeMounts  looseString `json:"volumeMounts"`
		} `json:"advancedTask"`
	} `json:"spec"`
}

// versions are the API versions of a LagoonTask.
var versions = []string{"crd.lagoon.sh/v1beta2", "crd.lagoon.sh/v1beta1", "lagoon.amazee.io/v1alpha1"}

// resources reads LagoonTasks, one or more.
func (p *parser) resources() {
	documents := yaml.NewDecoder(bytes.NewReader(p.text))
	for {
		var root yaml.Node
		err := documents.Decode(&root)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.fail(p.errorPosition(err), "", "", "not YAML: %s", syntax(err))
			return
		}
		if len(root.Content) == 0 || isNull(root.Content[0]) {
			continue
		}
		p.resource(root.Content[0])
	}
}

// resource reads one LagoonTask.
func (p *parser) resource(n *yaml.Node) {
	s := checker{p: p, file: p.opts.Source.Name}
	var r resource
	if err := decode(n, &r); err != nil {
		p.fail(s.at(n), "", "", "this LagoonTask cannot be read: %v", errorText(err))
		return
	}
	position := s.at(n)
	field := func(path ...string) task.Position {
		at := n
		for _, key := range path {
			next := value(at, key)
			if next == nil {
				break
			}
			at = next
		}
		return s.at(at)
	}
	if !slices.Contains(versions, r.APIVersion) {
		p.fail(field("apiVersion"), "", "", "the version of a LagoonTask is one of %s, not %q", strings.Join(versions, ", "), r.APIVersion)
		return
	}
	if r.Kind != "LagoonTask" {
		p.fail(field("kind"), "", "", "this is a %s, not a LagoonTask", r.Kind)
		return
	}
	if f := p.opts.Facts; f.Namespace != "" && r.Metadata.Namespace != "" && r.Metadata.Namespace != f.Namespace && !p.opts.Lenient {
		p.fail(field("metadata", "namespace"), "", "add -n "+r.Metadata.Namespace, "the LagoonTask is in namespace %q, and the run is in %q", r.Metadata.Namespace, f.Namespace)
		return
	}
	name := r.Metadata.Name
	if r.Spec.Task.TaskName != "" {
		name = r.Spec.Task.TaskName
	}
	if name == "" {
		name = "lagoon-task"
		if id := r.Spec.Task.ID.number(); id != "" {
			name += "-" + id
		}
	}
	a := taskInfo{
		id: string(r.Spec.Task.ID), name: name, project: r.Spec.Project.Name, environment: r.Spec.Environment.Name,
		projectID: r.Spec.Project.ID.number(), environmentID: r.Spec.Environment.ID.number(),
		organizationID: r.Spec.Project.Organization.ID.number(), organizationName: r.Spec.Project.Organization.Name,
	}
	var ok bool
	if a.projectVariables, ok = p.variableList(r.Spec.Project.Variables.Project, field("spec", "project", "variables", "project")); !ok {
		return
	}
	if a.environmentVariables, ok = p.variableList(r.Spec.Project.Variables.Environment, field("spec", "project", "variables", "environment")); !ok {
		return
	}
	t := task.Task{Name: name, Policy: task.Policy{Timeout: p.timeout()}, Position: position, Source: p.opts.Source}
	kind := r.Metadata.Labels["lagoon.sh/taskType"]
	switch {
	case kind == "advanced" || kind == "" && r.Spec.AdvancedTask != nil:
		if r.Spec.AdvancedTask == nil || r.Spec.AdvancedTask.RunnerImage == "" {
			p.fail(field("spec", "advancedTask"), name, "", "spec.advancedTask.runnerImage is required: an advanced task runs it")
			return
		}
		adv := r.Spec.AdvancedTask
		payload, ok := Payload(adv.JSONPayload)
		if !ok {
			p.fail(field("spec", "advancedTask", "JSONPayload"), name, "", "JSONPayload is neither JSON nor base64 of JSON")
			return
		}
		t.Executor = task.Advanced{
			Image: adv.RunnerImage, Payload: payload, Env: advancedEnv(a, p.opts.Facts.Variables),
			DeployerToken: adv.DeployerToken.yes(), SSHKey: adv.SSHKey.yes(), VolumeMounts: adv.VolumeMounts.yes(), Labels: podLabels(a),
		}
		t.Outputs = []task.OutputDefinition{{Name: task.TaskData, FromExecutor: true}}
	case kind == "standard" || kind == "":
		switch {
		case r.Spec.Task.Service == "":
			p.fail(field("spec", "task"), name, "", "spec.task.service is required: it is the deployment whose pod is copied")
			return
		case r.Spec.Task.Command == "":
			p.fail(field("spec", "task"), name, "", "spec.task.command is required")
			return
		}
		t.Executor = p.opts.standard(a, r.Spec.Task.Service, r.Spec.Task.Command)
	default:
		p.fail(field("metadata", "labels", "lagoon.sh/taskType"), name, "", "the label lagoon.sh/taskType is %q; it must be standard or advanced", kind)
		return
	}
	p.tasks = append(p.tasks, t)
}

// variableList decodes a list of variables, which is JSON in base64. It returns false after a finding.
func (p *parser) variableList(text string, at task.Position) (string, bool) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(decoded) > 0 && !json.Valid(decoded) {
		p.fail(at, "", "", "this must be a JSON list of variables in base64")
		return "", false
	}
	return string(decoded), true
}
