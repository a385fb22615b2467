package task

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Function runs a script in a pod of a runner image, under the contract of Keptn's runners (spec keptn.md § 3.2).
type Function struct {
	// Runtime is Deno or Python.
	Runtime Runtime
	// Image is the runner's image; empty means the default of the runtime.
	Image string
	// Command runs the script, whose path or address is in $SCRIPT; empty means the command of the image.
	Command []string
	// Code is the script itself, ConfigMap the name of a ConfigMap that holds it under Key, URL the address from which the
	// runner loads it: exactly one is set.
	Code, ConfigMap, Key, URL string
	// Parameters are passed to the script as a JSON object in $DATA.
	Parameters map[string]string
	// Secret is the name of a Secret whose key SECURE_DATA is passed to the script in $SECURE_DATA.
	Secret string
	// Arguments is $CMD_ARGS.
	Arguments string
	// Metadata is part of $KEPTN_CONTEXT.
	Metadata map[string]string
	// Env is set in addition to these.
	Env []corev1.EnvVar
	// ServiceAccountName and ImagePullSecrets are those of the pod.
	ServiceAccountName string
	ImagePullSecrets   []corev1.LocalObjectReference
	// Labels and Annotations are added to those that this program sets on the pod.
	Labels, Annotations map[string]string
}

// Runtime runs the script of a Function.
type Runtime string

// The runtimes.
const (
	Deno   Runtime = "deno"
	Python Runtime = "python"
)

// Kind returns "function".
func (Function) Kind() string { return "function" }

// Argv returns the runtime and where the script is.
func (f Function) Argv() []string { return []string{string(f.Runtime), f.script()} }

// Text returns the runtime and where the script is.
func (f Function) Text() string { return string(f.Runtime) + " " + f.script() }

func (f Function) script() string {
	switch {
	case f.Code != "":
		first, _, _ := strings.Cut(strings.TrimSpace(f.Code), "\n")
		return first
	case f.ConfigMap != "":
		return "configmap/" + f.ConfigMap
	}
	return f.URL
}

func (Function) executor() {}
