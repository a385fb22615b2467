package task

import batchv1 "k8s.io/api/batch/v1"

// KeptnContext is the value of $KEPTN_CONTEXT in the script of a task. The keys and their order are Keptn's (spec keptn.md §
// 3.2).
type KeptnContext struct {
	WorkloadName    string            `json:"workloadName"`
	AppName         string            `json:"appName"`
	AppVersion      string            `json:"appVersion"`
	WorkloadVersion string            `json:"workloadVersion"`
	TaskType        string            `json:"taskType"`
	ObjectType      string            `json:"objectType"`
	Metadata        map[string]string `json:"metadata,omitempty"`
}

// Keptn runs a task definition of Keptn in a Job, as Keptn's operator does.
type Keptn struct {
	// Definition is the name of the definition, for messages.
	Definition string
	// Job has the labels, annotations and spec that Keptn sets.
	Job batchv1.Job
	// Main is the container whose result is the task's.
	Main string
	// Code is stored in a ConfigMap of the name CodeMap, under the key "code". When only CodeMap is set, the namespace has
	// that ConfigMap already.
	Code, CodeMap string
	// Secret has the key SECURE_DATA; empty when none is needed.
	Secret string
}

// Kind returns "keptn".
func (Keptn) Kind() string { return "keptn" }

// Argv returns the name of the definition.
func (k Keptn) Argv() []string { return []string{k.Definition} }

// Text returns the name of the definition and what it runs.
func (k Keptn) Text() string {
	job := Job{Spec: k.Job.Spec, Main: k.Main}
	return k.Definition + ": " + job.Text()
}

func (Keptn) executor() {}
