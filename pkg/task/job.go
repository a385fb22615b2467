package task

import batchv1 "k8s.io/api/batch/v1"

// Job runs a Kubernetes Job. The task ends with the main containers of its pods, whatever other containers do.
type Job struct {
	Spec batchv1.JobSpec
	// Main and Adapt are as in Pod.
	Main  string
	Adapt bool
	// Labels and Annotations are those of the Job and its pods, JobAnnotations those of the Job alone.
	Labels, Annotations, JobAnnotations map[string]string
}

// Kind returns "job".
func (Job) Kind() string { return "job" }

// Pod returns one of the Job's pods.
func (j Job) Pod() Pod {
	return Pod{Spec: j.Spec.Template.Spec, Main: j.Main, Adapt: j.Adapt, Labels: j.Labels, Annotations: j.Annotations}
}

// Argv returns the command of the main container, or its image when the command comes from the image.
func (j Job) Argv() []string { return j.Pod().Argv() }

// Text returns the image and the command of the main container.
func (j Job) Text() string { return j.Pod().Text() }

func (Job) executor() {}
