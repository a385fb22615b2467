package keptn

import (
	"encoding/json"
	"maps"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Keptn's names for the container and the volume of a script (spec keptn.md § 3.2).
const (
	runnerContainer = "keptn-function-runner"
	codeVolume      = "function-mount"
	codeKey         = "code"
	secureData      = "SECURE_DATA"
	contextVariable = "KEPTN_CONTEXT"
)

// invocation is one use of a definition.
type invocation struct {
	// name is the name of the KeptnTask; empty when there is none.
	name string
	// parameters are added to those of the definition, secret replaces that of the definition.
	parameters map[string]string
	secret     string
	context    task.KeptnContext
	retries    *int32
	timeout    *string
}

// keptn returns the executor of a definition and its timeout. It returns false after a finding.
func (p *parser) keptn(d *locatedDefinition, c invocation) (task.Keptn, time.Duration, bool) {
	timeout := duration(d.Spec.Timeout)
	if c.timeout != nil {
		timeout = duration(c.timeout)
	}
	keptnContext, err := json.Marshal(c.context)
	if err != nil {
		p.fail(d.at(d.node), d.Metadata.Name, "", "%v", err)
		return task.Keptn{}, 0, false
	}
	k := task.Keptn{Definition: d.Metadata.Name, Job: p.job(d, c, timeout)}
	pod := &k.Job.Spec.Template.Spec
	if d.Spec.Container != nil {
		container := *d.Spec.Container.DeepCopy()
		k.Main = container.Name
		setEnv(&container, contextVariable, string(keptnContext))
		if !p.addVolume(d, &container, pod) {
			return k, 0, false
		}
		pod.Containers = []corev1.Container{container}
		return k, timeout, true
	}
	s, ok := p.script(d)
	if !ok {
		return k, 0, false
	}
	for name, v := range c.parameters {
		if _, has := s.parameters[name]; !has {
			s.parameters[name] = v
		}
	}
	if c.secret != "" {
		s.secret = c.secret
	}
	container, err := p.scriptContainer(s, string(keptnContext))
	if err != nil {
		p.fail(d.at(d.node), d.Metadata.Name, "", "%v", err)
		return k, 0, false
	}
	if s.codeMap != "" {
		pod.Volumes = []corev1.Volume{{Name: codeVolume, VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: s.codeMap}},
		}}}
	}
	pod.Containers = []corev1.Container{container}
	k.Main, k.Code, k.CodeMap, k.Secret = runnerContainer, s.code, s.codeMap, s.secret
	return k, timeout, true
}

// job returns the Job of a definition without its container.
func (p *parser) job(d *locatedDefinition, c invocation, timeout time.Duration) batchv1.Job {
	var job batchv1.Job
	job.Labels = maps.Clone(d.Metadata.Labels)
	job.Annotations = map[string]string{}
	maps.Copy(job.Annotations, d.Metadata.Annotations)
	version := c.context.AppVersion
	if c.context.WorkloadName != "" {
		job.Annotations["keptn.sh/workload"] = c.context.WorkloadName
		version = c.context.WorkloadVersion
	}
	job.Annotations["keptn.sh/app"], job.Annotations["keptn.sh/version"] = c.context.AppName, version
	if c.name != "" {
		job.Annotations["keptn.sh/task-name"] = c.name
	}
	retries, ttl, deadline := int32(defaultRetries), int32(defaultTTL), int64(timeout/time.Second)
	for _, given := range []*int32{d.Spec.Retries, c.retries} {
		if given != nil {
			retries = *given
		}
	}
	if d.Spec.TTLSecondsAfterFinished != nil {
		ttl = *d.Spec.TTLSecondsAfterFinished
	}
	job.Spec.BackoffLimit, job.Spec.TTLSecondsAfterFinished, job.Spec.ActiveDeadlineSeconds = &retries, &ttl, &deadline
	template := &job.Spec.Template
	template.Labels, template.Annotations = maps.Clone(d.Metadata.Labels), maps.Clone(d.Metadata.Annotations)
	template.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	template.Spec.ImagePullSecrets = d.Spec.ImagePullSecrets
	if d.Spec.ServiceAccount != nil {
		template.Spec.ServiceAccountName = d.Spec.ServiceAccount.Name
	}
	if d.Spec.AutomountServiceAccountToken != nil {
		template.Spec.AutomountServiceAccountToken = d.Spec.AutomountServiceAccountToken.Type
	}
	return job
}
