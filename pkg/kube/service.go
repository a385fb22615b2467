package kube

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
)

// NoWorkloadError reports that a namespace has no workload for a service.
type NoWorkloadError struct{ Namespace, Service string }

// Error says what was looked for.
func (e *NoWorkloadError) Error() string {
	return fmt.Sprintf("no deployment for service %q in namespace %q", e.Service, e.Namespace)
}

// releaseAnnotation is how Helm marks what belongs to a release.
const releaseAnnotation = "meta.helm.sh/release-name"

// candidate is a workload among which a service is looked for.
type candidate struct {
	name string // KIND/NAME
	metav1.PartialObjectMetadata
}

// FindWorkload returns the workload of a service of that name, as KIND/NAME: the one whose label says
// so, else the one that is called so, with the release's name before it or not, else the one whose
// app.kubernetes.io/component or app.kubernetes.io/name says so. Where several are, those of the
// release count. Several are an error that names them, none is a *NoWorkloadError.
func (c *Client) FindWorkload(ctx context.Context, namespace, release, service, label string) (string, error) {
	config, err := c.RESTConfig()
	if err != nil {
		return "", err
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return "", err
	}
	var all []candidate
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		resource := workloads[schema.GroupKind{Group: "apps", Kind: kind}]
		list, err := client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if apierrors.IsForbidden(err) && kind != "Deployment" {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("looking for service %q: %w", service, err)
		}
		for _, o := range list.Items {
			all = append(all, candidate{strings.ToLower(kind) + "/" + o.Name, o})
		}
	}
	return match(all, namespace, release, service, label)
}

// match is FindWorkload among candidates.
func match(all []candidate, namespace, release, service, label string) (string, error) {
	rules := []func(candidate) bool{
		func(o candidate) bool { return o.Labels[label] == service },
		func(o candidate) bool {
			return o.Name == service || release != "" && o.Name == release+"-"+service
		},
		func(o candidate) bool {
			return o.Labels["app.kubernetes.io/component"] == service || o.Labels["app.kubernetes.io/name"] == service
		},
	}
	for _, rule := range rules {
		found := only(all, rule)
		if own := only(found, func(o candidate) bool { return release != "" && o.Annotations[releaseAnnotation] == release }); len(own) > 0 {
			found = own
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return found[0].name, nil
		}
		names := make([]string, len(found))
		for i, o := range found {
			names[i] = o.name
		}
		return "", fmt.Errorf("service %q in namespace %q can be %s: give one of them the label %s: %s", service, namespace, strings.Join(names, ", "), label, service)
	}
	return "", &NoWorkloadError{Namespace: namespace, Service: service}
}

func only(all []candidate, keep func(candidate) bool) []candidate {
	return slices.DeleteFunc(slices.Clone(all), func(o candidate) bool { return !keep(o) })
}

// AwaitOneReady waits until a pod of the workload is ready.
func (c *Client) AwaitOneReady(ctx context.Context, namespace, target string) error {
	o, resource, err := c.named(namespace, target)
	if err != nil {
		return err
	}
	client, err := c.in(resource, namespace)
	if err != nil {
		return err
	}
	field := "readyReplicas"
	if o.GetKind() == "DaemonSet" {
		field = "numberReady"
	}
	return followObject(ctx, client, o.GetName(), func(live *unstructured.Unstructured) bool {
		if live == nil {
			return true
		}
		ready, _, _ := unstructured.NestedInt64(live.Object, "status", field)
		return ready == 0
	})
}

// Idle is a Deployment that Lagoon's idler has scaled to zero.
type Idle struct {
	// Target is KIND/NAME.
	Target string
	// Replicas is how many pods it had.
	Replicas int64
}

// The marks of Lagoon's idler (spec lagoon.md § 2c).
const (
	idleLabel   = "idling.amazee.io/watch=true"
	idledFrom   = "idling.amazee.io/unidle-replicas"
	maxReplicas = 16
)

// Idling returns the Deployments of the namespace that the idler watches and that have no replicas.
func (c *Client) Idling(ctx context.Context, namespace string) ([]Idle, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	list, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: idleLabel})
	if err != nil {
		return nil, err
	}
	var idle []Idle
	for _, d := range list.Items {
		if d.Spec.Replicas == nil || *d.Spec.Replicas != 0 {
			continue
		}
		replicas, err := strconv.ParseInt(d.Annotations[idledFrom], 10, 64)
		if err != nil {
			replicas = 1
		}
		idle = append(idle, Idle{"deployment/" + d.Name, min(max(replicas, 1), maxReplicas)})
	}
	return idle, nil
}
