package function

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs function tasks.
type Runner struct {
	// Pods runs the pod of the script.
	Pods pod.Runner
	// Images are the images of the runtimes, instead of DefaultImages.
	Images map[task.Runtime]string
}

// DefaultImages are Keptn's last runner images (spec keptn.md § 3.2).
var DefaultImages = map[task.Runtime]string{
	task.Deno:   "ghcr.io/keptn/deno-runtime:v3.0.1",
	task.Python: "ghcr.io/keptn/python-runtime:v1.0.8",
}

const (
	// The container and the volume of the code have the names that Keptn gives them.
	container = "keptn-function-runner"
	volume    = "function-mount"
	directory = "/var/data"
	// codeAnnotation has the script, so that the pod needs no other object.
	codeAnnotation = "kubectl-tasks.io/code"
	// codeKey is the default key of the script in a ConfigMap.
	codeKey = "code"
	// secureData is the key of a Secret, and the variable with its value.
	secureData = "SECURE_DATA"
)

var fileNames = map[task.Runtime]string{task.Deno: "function.ts", task.Python: "function.py"}

// Run runs the script in a pod; see pod.Runner.Run.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	f, ok := t.Executor.(task.Function)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a function task", t.Executor)}
	}
	made, err := r.build(t, f)
	if err != nil {
		return task.Result{State: task.Failed, Reason: "Function", Message: err.Error()}
	}
	t.Executor = made
	return r.Pods.Run(ctx, t, sink)
}

// build returns the pod of a script. The order of the variables is Keptn's.
func (r Runner) build(t task.Task, f task.Function) (task.Pod, error) {
	c := corev1.Container{Name: container, Image: f.Image, Command: f.Command, ImagePullPolicy: corev1.PullIfNotPresent}
	if c.Image == "" {
		c.Image = r.Images[f.Runtime]
	}
	if c.Image == "" {
		c.Image = DefaultImages[f.Runtime]
	}
	if len(f.Parameters) > 0 {
		data, err := json.Marshal(f.Parameters)
		if err != nil {
			return task.Pod{}, err
		}
		c.Env = append(c.Env, corev1.EnvVar{Name: "DATA", Value: literal(string(data))})
	}
	about, err := json.Marshal(r.context(t, f))
	if err != nil {
		return task.Pod{}, err
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: "KEPTN_CONTEXT", Value: literal(string(about))}, corev1.EnvVar{Name: "CMD_ARGS", Value: literal(f.Arguments)})
	if f.Secret != "" {
		c.Env = append(c.Env, corev1.EnvVar{Name: secureData, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: f.Secret}, Key: secureData,
		}}})
	}
	made := task.Pod{Main: container, Adapt: true, Labels: f.Labels, Annotations: map[string]string{}}
	maps.Copy(made.Annotations, f.Annotations)
	made.Spec.ServiceAccountName, made.Spec.ImagePullSecrets = f.ServiceAccountName, f.ImagePullSecrets
	script := f.URL
	if script == "" {
		name := fileNames[f.Runtime]
		script = directory + "/" + name
		made.Spec.Volumes = []corev1.Volume{{Name: volume, VolumeSource: code(made, f, name)}}
		c.VolumeMounts = []corev1.VolumeMount{{Name: volume, MountPath: directory, ReadOnly: true}}
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: "SCRIPT", Value: literal(script)})
	c.Env = append(c.Env, f.Env...)
	made.Spec.Containers = []corev1.Container{c}
	return made, nil
}

// literal keeps Kubernetes from replacing $(NAME) in a value.
func literal(value string) string { return strings.ReplaceAll(value, "$(", "$$(") }

// code returns the volume with the script in a file of that name.
func code(made task.Pod, f task.Function, name string) corev1.VolumeSource {
	if f.ConfigMap == "" {
		made.Annotations[codeAnnotation] = f.Code
		return corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{{
			Path: name, FieldRef: &corev1.ObjectFieldSelector{FieldPath: fmt.Sprintf("metadata.annotations['%s']", codeAnnotation)},
		}}}}
	}
	key := f.Key
	if key == "" {
		key = codeKey
	}
	return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: f.ConfigMap},
		Items:                []corev1.KeyToPath{{Key: key, Path: name}},
	}}
}

// context returns the value of $KEPTN_CONTEXT.
func (r Runner) context(t task.Task, f task.Function) task.KeptnContext {
	a := task.KeptnContext{AppName: r.Pods.Release, ObjectType: "App", Metadata: f.Metadata}
	switch {
	case strings.HasPrefix(string(t.Phase), "pre-"):
		a.TaskType = "pre"
	case t.Phase != "":
		a.TaskType = "post"
	}
	return a
}
