package keptn

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// codePaths are the paths of the scripts in the containers of the runtimes.
var codePaths = map[task.Runtime]string{task.Deno: "/var/data/function.ts", task.Python: "/var/data/function.py"}

// scriptContainer returns the container of a script. The order of the variables is Keptn's.
func (p *parser) scriptContainer(s script, keptnContext string) (corev1.Container, error) {
	c := corev1.Container{Name: runnerContainer, Image: p.opts.Images[s.runtime], ImagePullPolicy: corev1.PullIfNotPresent}
	if len(s.parameters) > 0 {
		data, err := json.Marshal(s.parameters)
		if err != nil {
			return c, fmt.Errorf("parameters: %w", err)
		}
		c.Env = append(c.Env, corev1.EnvVar{Name: "DATA", Value: string(data)})
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: contextVariable, Value: keptnContext}, corev1.EnvVar{Name: "CMD_ARGS", Value: s.arguments})
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

// setEnv replaces a variable, or adds it as the last one.
func setEnv(c *corev1.Container, name, value string) {
	for i := range c.Env {
		if c.Env[i].Name == name {
			c.Env[i] = corev1.EnvVar{Name: name, Value: value}
			return
		}
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value})
}

// memoryLimit limits the volume of a container without a memory limit, as Keptn intends (spec keptn.md § 3.8).
var memoryLimit = resource.MustParse("1Gi")

// addVolume adds the volume of a container's first mount. Keptn creates no other volumes.
func (p *parser) addVolume(d *locatedDefinition, c *corev1.Container, pod *corev1.PodSpec) bool {
	if len(c.VolumeMounts) == 0 {
		return true
	}
	first := c.VolumeMounts[0].Name
	i := slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name != first })
	if i >= 0 {
		p.fail(d.at(nodeAt(d.node, "spec", "container", "volumeMounts")), d.Metadata.Name, "",
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
