package advanced

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cluster is the part of a cluster that the runner needs; *kube.Client is one.
type Cluster interface {
	Interface() (kubernetes.Interface, error)
}

// The names that Lagoon gives to the objects that the pod uses (spec lagoon.md § 2b).
const (
	container        = "lagoon-task"
	deployer         = "lagoon-deployer"
	deployerToken    = "lagoon-deployer-token"
	deployerPath     = "/var/run/secrets/lagoon/deployer"
	sshKey           = "lagoon-sshkey"
	sshKeyPath       = "/var/run/secrets/lagoon/ssh"
	dynamicLabel     = "lagoon.sh/dynamic-secret"
	dynamicPath      = "/var/run/secrets/lagoon/dynamic/"
	bulkClass        = "bulk"
	storagePath      = "/storage/"
	platformEnv      = "lagoon-platform-env"
	lagoonEnv        = "lagoon-env"
	sshKeyMode       = 0o644
	safeToEvict      = "cluster-autoscaler.kubernetes.io/safe-to-evict"
	apiHostVariable  = "TASK_API_HOST"
	payloadVariable  = "JSON_PAYLOAD"
	namespaceVar     = "NAMESPACE"
	podNameVariable  = "PODNAME"
	podNameFieldPath = "metadata.name"
)

// builder builds the pod of an advanced task from the objects of the namespace.
type builder struct {
	client    Cluster
	namespace string
	note      func(format string, args ...any)

	api  kubernetes.Interface
	spec corev1.PodSpec
	main corev1.Container
}

func (b *builder) build(ctx context.Context, a task.Advanced) (task.Pod, error) {
	var err error
	if b.api, err = b.client.Interface(); err != nil {
		return task.Pod{}, err
	}
	b.main = corev1.Container{Name: container, Image: a.Image, Env: append([]corev1.EnvVar{
		{Name: payloadVariable, Value: a.Payload},
		{Name: namespaceVar, Value: b.namespace},
		{Name: podNameVariable, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: podNameFieldPath}}},
	}, a.Env...)}
	no := false
	b.spec.EnableServiceLinks = &no
	steps := []func(context.Context) error{b.environment}
	if a.SSHKey {
		steps = append(steps, b.sshKey)
	}
	if a.DeployerToken {
		steps = append(steps, b.deployer)
	}
	if a.VolumeMounts {
		steps = append(steps, b.claims)
	}
	for _, step := range append(steps, b.dynamic) {
		if err := step(ctx); err != nil {
			return task.Pod{}, err
		}
	}
	if !b.sets(apiHostVariable) {
		b.note("no Lagoon API in this cluster: %s is empty; --var sets it", apiHostVariable)
	}
	b.spec.Containers = []corev1.Container{b.main}
	return task.Pod{Spec: b.spec, Main: container, Adapt: true, Labels: a.Labels, Annotations: map[string]string{safeToEvict: "false"}}, nil
}

func (b *builder) sets(name string) bool {
	for _, v := range b.main.Env {
		if v.Name == name {
			return true
		}
	}
	return false
}

// missing returns the error for an object that the task needs and that does not exist.
func (b *builder) missing(kind, name, because string, err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%s %q not found in namespace %q; required by %s", kind, name, b.namespace, because)
	}
	return fmt.Errorf("%s %q in namespace %q, required by %s: %w", kind, name, b.namespace, because, err)
}

func (b *builder) deployer(ctx context.Context) error {
	account, err := b.api.CoreV1().ServiceAccounts(b.namespace).Get(ctx, deployer, metav1.GetOptions{})
	b.spec.ServiceAccountName = deployer
	switch {
	case apierrors.IsForbidden(err):
		return nil // the server refuses the pod when it does not exist
	case err != nil:
		return b.missing("serviceaccount", deployer, "deployerToken: true", err)
	}
	for _, s := range account.Secrets {
		if !strings.HasPrefix(s.Name, deployerToken) {
			continue
		}
		_, err := b.api.CoreV1().Secrets(b.namespace).Get(ctx, s.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil && !apierrors.IsForbidden(err) {
			return fmt.Errorf("secret %q: %w", s.Name, err)
		}
		b.mount(deployerToken, secretVolume(s.Name, nil), deployerPath, true)
		break
	}
	return nil
}

func (b *builder) dynamic(ctx context.Context) error {
	list, err := b.api.CoreV1().Secrets(b.namespace).List(ctx, metav1.ListOptions{LabelSelector: dynamicLabel})
	if apierrors.IsForbidden(err) {
		b.note("not allowed to list secrets in namespace %q: those with the label %s are not mounted", b.namespace, dynamicLabel)
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing secrets with the label %s: %w", dynamicLabel, err)
	}
	for _, s := range list.Items {
		b.mount(b.volumeName("dynamic"), secretVolume(s.Name, nil), dynamicPath+s.Name, true)
	}
	return nil
}
