package native

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// APIVersion and Kind are the first fields of each document.
const (
	APIVersion = "kubectl-tasks.io/v1alpha1"
	Kind       = "Tasks"
)

// Document is one document of a task file.
type Document struct {
	// APIVersion identifies the format.
	APIVersion string `json:"apiVersion"`
	// Kind identifies the format, with apiVersion.
	Kind string `json:"kind"`
	// Metadata has the document's name.
	Metadata Metadata `json:"metadata,omitzero"`
	// Params are the parameters, which --param sets.
	Params []Param `json:"params,omitempty"`
	// Env names the environment variables of the user's machine that expressions can read.
	Env []string `json:"env,omitempty"`
	// Tasks are the tasks of the document.
	Tasks []Task `json:"tasks,omitempty"`
}

// Param is a parameter of a document, params.NAME in expressions.
type Param struct {
	// Name has letters, digits and underscores.
	Name string `json:"name"`
	// Description explains the parameter to users.
	Description string `json:"description,omitempty"`
	// Default is the value that applies when --param does not set one. Without a default the value is empty,
	// unless the parameter is required.
	Default *string `json:"default,omitempty"`
	// Required makes a missing value an error.
	Required bool `json:"required,omitempty"`
	// Enum lists the allowed values.
	Enum []string `json:"enum,omitempty"`
}

// Metadata names a document.
type Metadata struct {
	// Name identifies the document to users.
	Name string `json:"name,omitempty"`
}

// Task is one task: its name, its phase, exactly one executor, and the action after a failure.
type Task struct {
	// Name is unique in a run. It has lower-case letters, digits and hyphens.
	Name string `json:"name"`
	// Phase is the point at which the task runs. Without a phase the task runs only by name.
	Phase string `json:"phase,omitempty"`
	// Needs names the tasks and phases that must complete first, and the objects (KIND/NAME) that must be ready first.
	Needs []string `json:"needs,omitempty"`

	// When is a CEL condition. The task is skipped when it is false.
	When string `json:"when,omitempty"`

	Attempts `json:",inline"`
	// OnFailure is the action after a failure: fail (the default), warn, continue or rollback.
	OnFailure string `json:"onFailure,omitempty"`

	// Once is a key. The task runs once for each value of the key.
	Once string `json:"once,omitempty"`
	// Run is always (the default) or onChange. With onChange the task runs only if its fingerprint has changed
	// since its last success.
	Run string `json:"run,omitempty"`
	// Fingerprint lists the inputs of the task, for run: onChange.
	Fingerprint *Fingerprint `json:"fingerprint,omitempty"`

	// Outputs are values for later tasks, which read them as tasks.NAME.outputs.OUTPUT.
	Outputs map[string]Output `json:"outputs,omitempty"`

	// Host runs a program on the user's machine.
	Host *Host `json:"host,omitempty"`
	// Exec runs a program in running pods.
	Exec *Exec `json:"exec,omitempty"`
	// Pod runs a program in a new pod.
	Pod *Pod `json:"pod,omitempty"`
	// Job runs a program in a Kubernetes Job.
	Job *Job `json:"job,omitempty"`
	// Function runs a script in a pod of a runner image.
	Function *Function `json:"function,omitempty"`
	// Clone runs a program in a copy of a workload's pod.
	Clone *Clone `json:"clone,omitempty"`
	// Wait waits for the state of an object.
	Wait *Wait `json:"wait,omitempty"`
	// Sleep waits for a fixed time.
	Sleep *Sleep `json:"sleep,omitempty"`
	// Approve asks the user for approval.
	Approve *Approve `json:"approve,omitempty"`

	// Undo reverts the completed task when the release is rolled back.
	Undo *Undo `json:"undo,omitempty"`
}

// Attempts limits the number and the duration of attempts.
type Attempts struct {
	// Timeout limits each attempt.
	Timeout Duration `json:"timeout,omitempty"`
	// TotalTimeout limits all attempts together, including the pauses between them.
	TotalTimeout Duration `json:"totalTimeout,omitempty"`
	// IdleTimeout limits the time without output.
	IdleTimeout Duration `json:"idleTimeout,omitempty"`
	// Retries is the number of further attempts after a failed one.
	Retries int `json:"retries,omitempty"`
	// Backoff is the pause before the first retry; it doubles with each retry. The default is 1s.
	Backoff Duration `json:"backoff,omitempty"`
	// Idempotent allows a retry after an attempt with an unknown result.
	Idempotent bool `json:"idempotent,omitempty"`
}

// Undo reverts a completed task: exactly one executor, and its attempts.
type Undo struct {
	Attempts `json:",inline"`

	// Host runs a program on the user's machine.
	Host *Host `json:"host,omitempty"`
	// Exec runs a program in running pods.
	Exec *Exec `json:"exec,omitempty"`
	// Pod runs a program in a new pod.
	Pod *Pod `json:"pod,omitempty"`
	// Job runs a program in a Kubernetes Job.
	Job *Job `json:"job,omitempty"`
	// Function runs a script in a pod of a runner image.
	Function *Function `json:"function,omitempty"`
	// Clone runs a program in a copy of a workload's pod.
	Clone *Clone `json:"clone,omitempty"`
}

// Fingerprint lists the inputs of a task.
type Fingerprint struct {
	// Images are workloads (KIND/NAME), of which the images are inputs.
	Images []string `json:"images,omitempty"`
	// Files are paths relative to this document; * and ? are wildcards.
	Files []string `json:"files,omitempty"`
	// Values are paths of release values, such as image.tag.
	Values []string `json:"values,omitempty"`
	// Text is a further input; expressions in it are replaced.
	Text string `json:"text,omitempty"`
}

// Output is the source of a value for later tasks: exactly one of file, json and regex.
type Output struct {
	// File is a path on the machine or in the container in which the task runs.
	File string `json:"file,omitempty"`
	// JSON is a key, or keys separated by dots, of the JSON object in the last line of the task's output.
	JSON string `json:"json,omitempty"`
	// Regex is matched against each line of the task's output. The value is the last match, or its first group.
	Regex string `json:"regex,omitempty"`
	// Type is string, number, boolean or json. The default is string, or the type in the JSON object.
	Type string `json:"type,omitempty"`
	// Secret masks the value everywhere.
	Secret bool `json:"secret,omitempty"`
}

// Program is the program of an executor: exactly one of command and shell.
type Program struct {
	// Command is the program with its arguments, without a shell.
	Command []string `json:"command,omitempty"`
	// Shell is a script for sh -c. Expressions in it are not replaced.
	Shell string `json:"shell,omitempty"`
}

// Host runs a program on the machine of the user.
type Host struct {
	Program `json:",inline"`
	// Env adds variables to the program's environment.
	Env []EnvVar `json:"env,omitempty"`
	// Dir is the working directory, relative to the working directory of the run.
	Dir string `json:"dir,omitempty"`
}

// EnvVar is a variable of the environment.
type EnvVar struct {
	// Name is the variable's name.
	Name string `json:"name"`
	// Value is its value.
	Value string `json:"value,omitempty"`
}

// Exec runs a program in running pods.
type Exec struct {
	Program `json:",inline"`
	// Env adds variables to the program's environment, with the container's env program.
	Env []EnvVar `json:"env,omitempty"`
	// Target is KIND/NAME of the workload, service or pod. Without a target and a selector, the pods are those
	// of the release.
	Target string `json:"target,omitempty"`
	// Selector selects the pods by their labels, instead of a target.
	Selector string `json:"selector,omitempty"`
	// Container is the container's name. The default is the pod's default container.
	Container string `json:"container,omitempty"`
	// Pods is the number of ready pods: one (the default), all, a number, or a percentage such as 30%.
	Pods Count `json:"pods,omitempty"`
	// Parallel is the number of pods at the same time. The default is 1.
	Parallel int `json:"parallel,omitempty"`
	// Scale scales up a target that is scaled to zero, and scales it back after its last task.
	Scale bool `json:"scale,omitempty"`
	// AllowEmpty skips the task, instead of failing it, when there are no pods.
	AllowEmpty bool `json:"allowEmpty,omitempty"`
	// Ready: false includes running pods that are not ready.
	Ready *bool `json:"ready,omitempty"`
}

// Pod runs a program in a new pod: the short form, a spec, or the manifest in a file.
type Pod struct {
	ShortPod `json:",inline"`
	// Spec is a PodSpec, instead of the short form.
	Spec *corev1.PodSpec `json:"spec,omitempty"`
	// File is the path of a Pod's manifest, relative to this document.
	File string `json:"file,omitempty"`
	// Container is the main container: the task ends when it exits. The default is the first container.
	Container string `json:"container,omitempty"`
}

// Job runs a Kubernetes Job: the short form, a spec, or the manifest in a file.
type Job struct {
	ShortPod `json:",inline"`
	// Completions, parallelism and completionMode are fields of the JobSpec, for the short form.
	Completions    *int32                 `json:"completions,omitempty"`
	Parallelism    *int32                 `json:"parallelism,omitempty"`
	CompletionMode batchv1.CompletionMode `json:"completionMode,omitempty"`
	// Spec is a JobSpec, instead of the short form.
	Spec *batchv1.JobSpec `json:"spec,omitempty"`
	// File is the path of a Job's manifest, relative to this document.
	File string `json:"file,omitempty"`
	// Container is the main container of each pod. The default is the first container.
	Container string `json:"container,omitempty"`
}

// ShortPod is a pod of one container: an image, a program, and the most frequent fields.
type ShortPod struct {
	Program         `json:",inline"`
	Image           string                      `json:"image,omitempty"`
	ImagePullPolicy corev1.PullPolicy           `json:"imagePullPolicy,omitempty"`
	Env             []corev1.EnvVar             `json:"env,omitempty"`
	EnvFrom         []corev1.EnvFromSource      `json:"envFrom,omitempty"`
	WorkingDir      string                      `json:"workingDir,omitempty"`
	Resources       corev1.ResourceRequirements `json:"resources,omitzero"`
	VolumeMounts    []corev1.VolumeMount        `json:"volumeMounts,omitempty"`
	SecurityContext *corev1.SecurityContext     `json:"securityContext,omitempty"`

	// The following fields are those of the pod.
	Labels             map[string]string             `json:"labels,omitempty"`
	Annotations        map[string]string             `json:"annotations,omitempty"`
	Volumes            []corev1.Volume               `json:"volumes,omitempty"`
	ServiceAccountName string                        `json:"serviceAccountName,omitempty"`
	ImagePullSecrets   []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	NodeSelector       map[string]string             `json:"nodeSelector,omitempty"`
	Tolerations        []corev1.Toleration           `json:"tolerations,omitempty"`
}

// Function runs a script in a pod of a runner image, which gets the parameters as $DATA.
type Function struct {
	// Runtime is deno or python.
	Runtime string `json:"runtime,omitempty"`
	// Image is the runner image, instead of Keptn's.
	Image string `json:"image,omitempty"`
	// Command runs $SCRIPT, if the entrypoint of the image does not.
	Command []string `json:"command,omitempty"`
	// Code is the script. Exactly one of code, file, configMap, url and from is required.
	Code string `json:"code,omitempty"`
	// File is the path of the script, relative to this document.
	File string `json:"file,omitempty"`
	// ConfigMap names a ConfigMap with the script.
	ConfigMap string `json:"configMap,omitempty"`
	// Key is the key of the script in the ConfigMap. The default is code.
	Key string `json:"key,omitempty"`
	// URL is the address from which the runner loads the script.
	URL string `json:"url,omitempty"`
	// From names another task of this document, of which the function uses the script.
	From string `json:"from,omitempty"`
	// Parameters are the JSON object in $DATA.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Secret names a Secret, of which the key SECURE_DATA is set as $SECURE_DATA.
	Secret string `json:"secret,omitempty"`
	// Args is the value of $CMD_ARGS.
	Args string `json:"args,omitempty"`
	// Metadata is the field metadata in $KEPTN_CONTEXT.
	Metadata map[string]string `json:"metadata,omitempty"`
	// Env adds further variables.
	Env []corev1.EnvVar `json:"env,omitempty"`

	// The following fields are those of the pod.
	ServiceAccountName string                        `json:"serviceAccountName,omitempty"`
	ImagePullSecrets   []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	Labels             map[string]string             `json:"labels,omitempty"`
	Annotations        map[string]string             `json:"annotations,omitempty"`
}

// Clone runs a program in a new pod, made from a workload's pod template.
type Clone struct {
	Program `json:",inline"`
	// From is KIND/NAME of the workload.
	From string `json:"from,omitempty"`
	// Container is the container that runs the command. The default is the default container.
	Container string `json:"container,omitempty"`
	// Version is current (the default), the template in the cluster, or next, the template that Helm will
	// apply.
	Version string `json:"version,omitempty"`
	// Sidecars are further containers of the template that run in the pod.
	Sidecars []string `json:"sidecars,omitempty"`
	// Env adds variables to the container's own, and overrides them.
	Env []corev1.EnvVar `json:"env,omitempty"`
	// Queue keeps the workload's label with the name of a Kueue queue.
	Queue bool `json:"queue,omitempty"`
	// Labels are the labels of the pod, which gets none of the template's.
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Wait waits until an object is in a certain state.
type Wait struct {
	// Object is KIND/NAME of the object.
	Object string `json:"object,omitempty"`
	// For is the state: ready (the default), deleted, condition=NAME[=VALUE] or jsonpath={.path}[=VALUE].
	For string `json:"for,omitempty"`
}

// Sleep waits for a fixed time.
type Sleep struct {
	// For is the time, with its unit, such as 90s or 5m.
	For string `json:"for,omitempty"`
}

// Approve asks the user whether to continue.
type Approve struct {
	// Message is the question.
	Message string `json:"message,omitempty"`
}

// Count is a number of pods as written: one, all, a number or a percentage.
type Count string

// UnmarshalJSON implements json.Unmarshaler.
func (c *Count) UnmarshalJSON(text []byte) error {
	var number int
	if json.Unmarshal(text, &number) == nil {
		*c = Count(fmt.Sprint(number))
		return nil
	}
	var word string
	if err := json.Unmarshal(text, &word); err != nil {
		return fmt.Errorf("must be one, all, a number or a percentage such as 30%%")
	}
	*c = Count(word)
	return nil
}

// Duration is a length of time with its unit, such as 90s or 5m.
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var word string
	if err := json.Unmarshal(text, &word); err != nil {
		return fmt.Errorf("invalid duration %s; write a unit, such as %ss or 5m", text, strings.TrimSpace(string(text)))
	}
	parsed, err := time.ParseDuration(word)
	if err != nil || parsed < 0 {
		return fmt.Errorf("invalid duration %q; write it as 90s, 5m or 1h30m", word)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

func (d Duration) std() time.Duration { return time.Duration(d) }
