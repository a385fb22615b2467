package task

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// ServiceLabel is the label by which Lagoon marks the workload of a service (spec lagoon.md § 2c).
const ServiceLabel = "lagoon.sh/service"

// Service runs a program in a running pod of one of Lagoon's services: the workload with the label lagoon.sh/service, else
// the workload of that name, else the workload that has the name in Helm's labels.
type Service struct {
	Command Command
	// Name is the name of the service.
	Name string
	// Label replaces ServiceLabel when it is not empty.
	Label string
	// Container is the container's name; empty means the pod's default container, or the only one.
	Container string
	// Optional skips the task when there is no such workload; otherwise the task fails.
	Optional bool
	// Unidle scales up a workload that Lagoon's idler has scaled to zero, before the task. UnidleOrFail fails the task when
	// the workload does not become ready in time.
	Unidle, UnidleOrFail bool
	// Patience is the time that the workload has until one of its pods is ready.
	Patience time.Duration
}

// Standard runs a shell command in a copy of the pod of one of Lagoon's services, as its standard tasks do (spec lagoon.md
// § 2a).
type Standard struct {
	Command Command
	// Service and Label are as in Service.
	Service, Label string
	// Container is the container that gets the command; empty means the default container.
	Container string
	// Compat runs the command in every container, and only in images that have Lagoon's entrypoint.
	Compat bool
	// Env is added to that of the container.
	Env []corev1.EnvVar
	// Labels are added to those that this program sets on the pod.
	Labels map[string]string
}

// Advanced runs an image as Lagoon's advanced tasks do: with the environment and the mounts that such images expect (spec
// lagoon.md § 2b).
type Advanced struct {
	Image string
	// Payload is $JSON_PAYLOAD: JSON, in base64.
	Payload string
	// Env is set before the variables that come from the namespace.
	Env []corev1.EnvVar
	// DeployerToken runs the pod as ServiceAccount lagoon-deployer, SSHKey mounts the Secret lagoon-sshkey, VolumeMounts
	// mounts the claims of storage class bulk.
	DeployerToken, SSHKey, VolumeMounts bool
	// Labels are added to those that this program sets on the pod.
	Labels map[string]string
}

// TaskData is the output of an Advanced task that holds the annotation lagoon.sh/taskData of its pod.
const TaskData = "taskData"

// Kind returns "service".
func (Service) Kind() string { return "service" }

// Argv returns the program and its arguments.
func (s Service) Argv() []string { return s.Command.Argv }

// Text returns the service and the command as written.
func (s Service) Text() string { return s.Name + ": " + s.Command.Text }

// Kind returns "standard".
func (Standard) Kind() string { return "standard" }

// Argv returns the shell and its command line.
func (s Standard) Argv() []string { return s.Command.Argv }

// Text returns the service and the command as written.
func (s Standard) Text() string { return s.Service + ": " + s.Command.Text }

// Kind returns "advanced".
func (Advanced) Kind() string { return "advanced" }

// Argv returns the image. The image has the command.
func (a Advanced) Argv() []string {
	if a.Image == "" {
		return nil
	}
	return []string{a.Image}
}

// Text returns the image.
func (a Advanced) Text() string { return a.Image }

func (Service) executor()  {}
func (Standard) executor() {}
func (Advanced) executor() {}
