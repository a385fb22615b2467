package native

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// APIVersion and Kind stand at the head of each document.
const (
	APIVersion = "kubectl-tasks.io/v1alpha1"
	Kind       = "Tasks"
)

// Document is one document of a task file.
type Document struct {
	// APIVersion and Kind say that it is one.
	APIVersion string `json:"apiVersion"`
	// Kind says so too.
	Kind string `json:"kind"`
	// Metadata names it.
	Metadata Metadata `json:"metadata,omitzero"`
	// Params are values that a run can give, with --param.
	Params []Param `json:"params,omitempty"`
	// Env names the variables of the user's machine that expressions refer to.
	Env []string `json:"env,omitempty"`
	// Tasks are the tasks.
	Tasks []Task `json:"tasks,omitempty"`
}

// Param is a parameter of a document, params.NAME in expressions.
type Param struct {
	// Name has letters, digits and underscores.
	Name string `json:"name"`
	// Description is for people.
	Description string `json:"description,omitempty"`
	// Default is its value when none is given; without one it is empty, or must be given when it is
	// Required.
	Default *string `json:"default,omitempty"`
	// Required makes it an error to give no value.
	Required bool `json:"required,omitempty"`
	// Enum are the values it can have.
	Enum []string `json:"enum,omitempty"`
}

// Metadata names a document.
type Metadata struct {
	// Name is for people.
	Name string `json:"name,omitempty"`
}

// Task is one task: a name, when it runs, where and what (exactly one executor), and what to do when it
// fails.
type Task struct {
	// Name is unique among the tasks of a run: lower-case letters, digits and hyphens.
	Name string `json:"name"`
	// Phase is when it runs; without one it runs only by name.
	Phase string `json:"phase,omitempty"`
	// Needs names tasks, phases or objects (KIND/NAME) that must be done, or ready, before.
	Needs []string `json:"needs,omitempty"`

	// When is a condition in CEL; the task is skipped when it is false.
	When string `json:"when,omitempty"`

	Attempts `json:",inline"`
	// OnFailure is fail (the default), warn, continue or rollback.
	OnFailure string `json:"onFailure,omitempty"`

	// Once is a key: the task runs once for each of its values, and not again.
	Once string `json:"once,omitempty"`
	// Run is always (the default) or onChange: only when what fingerprint names has changed since the
	// task last succeeded.
	Run string `json:"run,omitempty"`
	// Fingerprint is what the task depends on, for run: onChange.
	Fingerprint *Fingerprint `json:"fingerprint,omitempty"`

	// Outputs are values that later tasks can use, as tasks.NAME.outputs.OUTPUT.
	Outputs map[string]Output `json:"outputs,omitempty"`

	// Host runs on the user's machine.
	Host *Host `json:"host,omitempty"`
	// Exec runs in running pods.
	Exec *Exec `json:"exec,omitempty"`
	// Pod runs in a pod of its own.
	Pod *Pod `json:"pod,omitempty"`
	// Job runs in a Kubernetes Job.
	Job *Job `json:"job,omitempty"`
	// Function runs a script in a pod of a runner image.
	Function *Function `json:"function,omitempty"`
	// Clone runs in a clone of a workload's pod.
	Clone *Clone `json:"clone,omitempty"`
	// Wait waits for an object.
	Wait *Wait `json:"wait,omitempty"`
	// Sleep waits for a fixed time.
	Sleep *Sleep `json:"sleep,omitempty"`
	// Approve asks a person.
	Approve *Approve `json:"approve,omitempty"`

	// Undo takes back what the task did, when the release is rolled back.
	Undo *Undo `json:"undo,omitempty"`
}

// Attempts say how often and for how long something is tried.
type Attempts struct {
	// Timeout limits each attempt.
	Timeout Duration `json:"timeout,omitempty"`
	// TotalTimeout limits all attempts together, with the pauses between them.
	TotalTimeout Duration `json:"totalTimeout,omitempty"`
	// IdleTimeout limits the time without output.
	IdleTimeout Duration `json:"idleTimeout,omitempty"`
	// Retries is how often a failed attempt is repeated.
	Retries int `json:"retries,omitempty"`
	// Backoff is the pause before the first repetition, which doubles with each; by default 1s.
	Backoff Duration `json:"backoff,omitempty"`
	// Idempotent allows a repetition also when nobody saw how an attempt ended.
	Idempotent bool `json:"idempotent,omitempty"`
}

// Undo takes back what a task did: an executor, exactly one, and how it is tried.
type Undo struct {
	Attempts `json:",inline"`

	// Host runs on the user's machine.
	Host *Host `json:"host,omitempty"`
	// Exec runs in running pods.
	Exec *Exec `json:"exec,omitempty"`
	// Pod runs in a pod of its own.
	Pod *Pod `json:"pod,omitempty"`
	// Job runs in a Kubernetes Job.
	Job *Job `json:"job,omitempty"`
	// Function runs a script in a pod of a runner image.
	Function *Function `json:"function,omitempty"`
	// Clone runs in a clone of a workload's pod.
	Clone *Clone `json:"clone,omitempty"`
}

// Fingerprint is what a task depends on.
type Fingerprint struct {
	// Images are workloads (KIND/NAME) whose images count.
	Images []string `json:"images,omitempty"`
	// Files are files beside the document; * and ? are understood.
	Files []string `json:"files,omitempty"`
	// Values are paths into the release's values, such as image.tag.
	Values []string `json:"values,omitempty"`
	// Text is anything else, with expressions in it.
	Text string `json:"text,omitempty"`
}

// Output says where a value is found that later tasks can use: exactly one of file, json and regex.
type Output struct {
	// File is a path where the task runs.
	File string `json:"file,omitempty"`
	// JSON is a key of the JSON object that is the last line printed, or keys with dots between.
	JSON string `json:"json,omitempty"`
	// Regex is looked for in each line printed; the last match counts, its first group if it has one.
	Regex string `json:"regex,omitempty"`
	// Type is string, number, boolean or json; by default a string, or what it is in JSON.
	Type string `json:"type,omitempty"`
	// Secret values are shown nowhere.
	Secret bool `json:"secret,omitempty"`
}

// Program is what an executor runs: exactly one of a command, which no shell sees, and a line for
// a shell.
type Program struct {
	// Command is the program and its arguments; no shell sees them.
	Command []string `json:"command,omitempty"`
	// Shell is a line for sh -c. Expressions are not looked for in it.
	Shell string `json:"shell,omitempty"`
}

// Host runs a program on the machine of the user.
type Host struct {
	Program `json:",inline"`
	// Env is added to the program's environment.
	Env []EnvVar `json:"env,omitempty"`
	// Dir is the working directory; relative to that of the run.
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
	// Env is added to the program's environment, by the container's own env.
	Env []EnvVar `json:"env,omitempty"`
	// Target is what the pods belong to: KIND/NAME of a workload, a service or a pod. Without it and
	// without a selector they are those of the release.
	Target string `json:"target,omitempty"`
	// Selector names the pods by their labels instead.
	Selector string `json:"selector,omitempty"`
	// Container is the container's name; by default the pod's default container.
	Container string `json:"container,omitempty"`
	// Pods is how many of the ready pods: one (the default), all, a number, or a part such as 30%.
	Pods Count `json:"pods,omitempty"`
	// Parallel is how many at the same time; by default one after another.
	Parallel int `json:"parallel,omitempty"`
	// Scale wakes a target that is scaled to zero, and puts it back when no task uses it any more.
	Scale bool `json:"scale,omitempty"`
	// AllowEmpty makes no pod at all a skipped task and no failure.
	AllowEmpty bool `json:"allowEmpty,omitempty"`
	// Ready, when it is false, takes pods that run and are not ready, too.
	Ready *bool `json:"ready,omitempty"`
}

// Pod runs a pod of its own: the short form, a spec, or the manifest in a file.
type Pod struct {
	ShortPod `json:",inline"`
	// Spec is a whole PodSpec instead of the short form.
	Spec *corev1.PodSpec `json:"spec,omitempty"`
	// File is a manifest of a Pod, beside this document.
	File string `json:"file,omitempty"`
	// Container is the one whose end is the task's, when there are several; by default the first.
	Container string `json:"container,omitempty"`
}

// Job runs a Kubernetes Job: the short form, a spec, or the manifest in a file.
type Job struct {
	ShortPod `json:",inline"`
	// Completions and the next two are those of a JobSpec, in the short form.
	Completions    *int32                 `json:"completions,omitempty"`
	Parallelism    *int32                 `json:"parallelism,omitempty"`
	CompletionMode batchv1.CompletionMode `json:"completionMode,omitempty"`
	// Spec is a whole JobSpec instead of the short form.
	Spec *batchv1.JobSpec `json:"spec,omitempty"`
	// File is a manifest of a Job, beside this document.
	File string `json:"file,omitempty"`
	// Container is the one whose end is its pod's, when there are several; by default the first.
	Container string `json:"container,omitempty"`
}

// ShortPod is a pod of one container: an image and what goes with it.
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

	// These are of the pod.
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
	// Image is the runner's, in the place of Keptn's.
	Image string `json:"image,omitempty"`
	// Command is what runs $SCRIPT in it, when the image itself does not.
	Command []string `json:"command,omitempty"`
	// Code is the script; exactly one of code, file, configMap, url and from is given.
	Code string `json:"code,omitempty"`
	// File is a file with the script, beside this document.
	File string `json:"file,omitempty"`
	// ConfigMap names one that holds the script.
	ConfigMap string `json:"configMap,omitempty"`
	// Key is where the ConfigMap holds it; by default code.
	Key string `json:"key,omitempty"`
	// URL is where the runner finds it.
	URL string `json:"url,omitempty"`
	// From names another task of this document, whose function's script it is.
	From string `json:"from,omitempty"`
	// Parameters are handed over in $DATA, as a JSON object.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Secret names a Secret whose key SECURE_DATA is handed over in $SECURE_DATA.
	Secret string `json:"secret,omitempty"`
	// Args is $CMD_ARGS.
	Args string `json:"args,omitempty"`
	// Metadata is part of $KEPTN_CONTEXT.
	Metadata map[string]string `json:"metadata,omitempty"`
	// Env is set beside these.
	Env []corev1.EnvVar `json:"env,omitempty"`

	// These are of the pod.
	ServiceAccountName string                        `json:"serviceAccountName,omitempty"`
	ImagePullSecrets   []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	Labels             map[string]string             `json:"labels,omitempty"`
	Annotations        map[string]string             `json:"annotations,omitempty"`
}

// Clone runs a new pod made from a workload's pod template, with another command.
type Clone struct {
	Program `json:",inline"`
	// From is KIND/NAME of the workload.
	From string `json:"from,omitempty"`
	// Container gets the command; by default the default container.
	Container string `json:"container,omitempty"`
	// Version is current (the default), the template as it is in the cluster, or next, as Helm is
	// going to apply it.
	Version string `json:"version,omitempty"`
	// Sidecars are the other containers of the template that run beside it.
	Sidecars []string `json:"sidecars,omitempty"`
	// Env is set beside the container's own variables, and wins over them.
	Env []corev1.EnvVar `json:"env,omitempty"`
	// Queue keeps the workload's label of a Kueue queue.
	Queue bool `json:"queue,omitempty"`
	// Labels are those of the pod, which has none of the template's.
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Wait waits until an object is in a certain state.
type Wait struct {
	// Object is KIND/NAME.
	Object string `json:"object,omitempty"`
	// For is ready (the default), deleted, condition=NAME[=VALUE] or jsonpath={.path}[=VALUE].
	For string `json:"for,omitempty"`
}

// Sleep waits for a fixed time.
type Sleep struct {
	// For is the time, with its unit, such as 90s or 5m.
	For string `json:"for,omitempty"`
}

// Approve asks a person whether to go on.
type Approve struct {
	// Message is the question.
	Message string `json:"message,omitempty"`
}

// Count is a number of pods as written: a word, a number or a percentage.
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
