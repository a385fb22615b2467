package task

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Pod runs a pod of its own, once. The task ends with the pod's main container.
type Pod struct {
	Spec corev1.PodSpec
	// Main is the container whose result is the task's; empty means the first. With All, the task ends when all containers
	// have ended, and succeeds only when each succeeded.
	Main string
	All  bool
	// Adapt reports that the author set no security settings, so that they may be set as the namespace requires.
	Adapt bool
	// Labels and Annotations are added to those that this program sets on the pod.
	Labels, Annotations map[string]string
}

// Kind returns "pod".
func (Pod) Kind() string { return "pod" }

// MainContainer returns the container whose result is the task's; an empty one when there is no container of that name.
func (p Pod) MainContainer() corev1.Container {
	for _, c := range p.Spec.Containers {
		if p.Main == "" || c.Name == p.Main {
			return c
		}
	}
	return corev1.Container{}
}

// Argv returns the command of the main container, or its image when the command comes from the image.
func (p Pod) Argv() []string {
	c := p.MainContainer()
	if argv := slices.Concat(c.Command, c.Args); len(argv) > 0 {
		return argv
	}
	if c.Image == "" {
		return nil
	}
	return []string{c.Image}
}

// Text returns the image and the command of the main container.
func (p Pod) Text() string {
	c := p.MainContainer()
	return strings.Join(slices.Concat([]string{c.Image}, c.Command, c.Args), " ")
}

func (Pod) executor() {}
