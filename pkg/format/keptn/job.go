package keptn

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// What Keptn calls the container and the volume of a script (spec keptn.md § 3.2).
const (
	runnerContainer = "keptn-function-runner"
	codeVolume      = "function-mount"
	codeKey         = "code"
	secureData      = "SECURE_DATA"
	contextVariable = "KEPTN_CONTEXT"
)

// codePaths are where the runtimes find their script.
var codePaths = map[task.Runtime]string{task.Deno: "/var/data/function.ts", task.Python: "/var/data/function.py"}

// call is how a definition is run.
type call struct {
	// name is the KeptnTask's; empty when there is none.
	name string
	// parameters are added to those of the definition, secret is in the place of its own.
	parameters map[string]string
	secret     string
	context    task.KeptnContext
	retries    *int32
	timeout    *string
}

// keptn returns the executor of a definition, and how long it may take.
func (p *parser) keptn(d *defined, c call) (task.Keptn, time.Duration, bool) {
	timeout := duration(d.Spec.Timeout)
	if c.timeout != nil {
		timeout = duration(c.timeout)
	}
	about, err := json.Marshal(c.context)
	if err != nil {
		p.fail(d.at(d.node), d.Metadata.Name, "", "%v", err)
		return task.Keptn{}, 0, false
	}
	k := task.Keptn{Definition: d.Metadata.Name, Job: p.job(d, c, timeout)}
	pod := &k.Job.Spec.Template.Spec
	if d.Spec.Container != nil {
		container := *d.Spec.Container.DeepCopy()
		k.Main = container.Name
		setEnv(&container, contextVariable, string(about))
		if !p.volumes(d, &container, pod) {
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
	container, err := p.runner(s, string(about))
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
func (p *parser) job(d *defined, c call, timeout time.Duration) batchv1.Job {
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

// runner returns the container of a script. The order of the variables is Keptn's.
func (p *parser) runner(s script, about string) (corev1.Container, error) {
	c := corev1.Container{Name: runnerContainer, Image: p.opts.Images[s.runtime], ImagePullPolicy: corev1.PullIfNotPresent}
	if len(s.parameters) > 0 {
		data, err := json.Marshal(s.parameters)
		if err != nil {
			return c, fmt.Errorf("parameters: %w", err)
		}
		c.Env = append(c.Env, corev1.EnvVar{Name: "DATA", Value: string(data)})
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: contextVariable, Value: about}, corev1.EnvVar{Name: "CMD_ARGS", Value: s.arguments})
	if s.secret != "" {
		c.Env = append(c.Env, corev1.EnvVar{Name: secureData, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: s.secret}, Key: secureData,
		}}})
	}
	path := s.url
	if s.codeMap != "" {
		path = codePaths[s.runtime]
		c.VolumeMounts = []corev1.VolumeMount{{Name: codeVolume, MountPath: path, SubPath: codeKey, ReadOnly: true}}
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: "SCRIPT", Value: path})
	return c, nil
}

// setEnv sets a variable in its place, or as the last one.
func setEnv(c *corev1.Container, name, value string) {
	for i := range c.Env {
		if c.Env[i].Name == name {
			c.Env[i] = corev1.EnvVar{Name: name, Value: value}
			return
		}
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value})
}

// memoryLimit is how large the volume of a container may be that has no limit of its own: what Keptn
// means to give it (spec keptn.md § 3.8).
var memoryLimit = resource.MustParse("1Gi")

// volumes gives a container the volume that its first mount names; Keptn has no others.
func (p *parser) volumes(d *defined, c *corev1.Container, pod *corev1.PodSpec) bool {
	if len(c.VolumeMounts) == 0 {
		return true
	}
	first := c.VolumeMounts[0].Name
	i := slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name != first })
	if i >= 0 {
		p.fail(d.at(nearest(d.node, "spec", "container", "volumeMounts")), d.Metadata.Name, "",
			"only the first volumeMount gets a volume in Keptn; %q has none", c.VolumeMounts[i].Name)
		return false
	}
	limit := memoryLimit
	if own, ok := c.Resources.Limits[corev1.ResourceMemory]; ok {
		limit = own
	}
	pod.Volumes = []corev1.Volume{{Name: first, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{
		Medium: corev1.StorageMediumMemory, SizeLimit: &limit,
	}}}}
	return true
}
