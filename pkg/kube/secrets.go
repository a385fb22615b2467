package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// secretTimeout limits the request for a Secret.
const secretTimeout = 10 * time.Second

// Secrets reads Secrets, each of them once. It is safe for concurrent use.
type Secrets struct {
	mu    sync.Mutex
	known map[[2]string]func() (map[string][]byte, error)
}

// UsedBy returns the values of Secrets that the containers of a pod have in their environment or in a volume. A missing
// Secret has no values. The error names the Secrets that could not be read; the values of the others are returned too.
func (s *Secrets) UsedBy(ctx context.Context, client *Client, namespace string, spec *corev1.PodSpec) ([]string, error) {
	var values []string
	var problems []error
	used := usedBy(spec)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		data, err := s.read(ctx, client, namespace, name)
		if err != nil && !apierrors.IsNotFound(err) {
			problems = append(problems, fmt.Errorf("secret %q in namespace %q: %w", name, namespace, err))
		}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			if used[name].all || used[name].keys[key] {
				values = append(values, string(data[key]))
			}
		}
	}
	return values, errors.Join(problems...)
}

// read returns the data of a Secret.
func (s *Secrets) read(ctx context.Context, c *Client, namespace, name string) (map[string][]byte, error) {
	s.mu.Lock()
	if s.known == nil {
		s.known = map[[2]string]func() (map[string][]byte, error){}
	}
	read := s.known[[2]string{namespace, name}]
	if read == nil {
		read = sync.OnceValues(func() (map[string][]byte, error) {
			client, err := c.Interface()
			if err != nil {
				return nil, err
			}
			// Other callers may wait for the same Secret after this one is cancelled.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), secretTimeout)
			defer cancel()
			secret, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			return secret.Data, nil
		})
		s.known[[2]string{namespace, name}] = read
	}
	s.mu.Unlock()
	return read()
}

// SecretValue returns the value of a key of a Secret. The error is the server's, or that the key is missing.
func (c *Client) SecretValue(ctx context.Context, namespace, name, key string) (string, error) {
	client, err := c.Interface()
	if err != nil {
		return "", err
	}
	secret, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("secret %q in namespace %q: %w", name, namespace, err)
	}
	value, ok := secret.Data[key]
	if !ok {
		return "", fmt.Errorf("secret %q in namespace %q has no key %s", name, namespace, key)
	}
	return string(value), nil
}

// part is the used part of a Secret.
type part struct {
	all  bool
	keys map[string]bool
}

// usedBy returns what a pod uses, by the names of the Secrets.
func usedBy(spec *corev1.PodSpec) map[string]*part {
	used := map[string]*part{}
	of := func(name string) *part {
		if used[name] == nil {
			used[name] = &part{keys: map[string]bool{}}
		}
		return used[name]
	}
	items := func(name string, items []corev1.KeyToPath) {
		p := of(name)
		p.all = p.all || len(items) == 0
		for _, i := range items {
			p.keys[i.Key] = true
		}
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, from := range c.EnvFrom {
			if from.SecretRef != nil {
				items(from.SecretRef.Name, nil)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				of(e.ValueFrom.SecretKeyRef.Name).keys[e.ValueFrom.SecretKeyRef.Key] = true
			}
		}
	}
	for _, v := range spec.Volumes {
		if v.Secret != nil {
			items(v.Secret.SecretName, v.Secret.Items)
		}
		if v.Projected != nil {
			for _, source := range v.Projected.Sources {
				if source.Secret != nil {
					items(source.Secret.Name, source.Secret.Items)
				}
			}
		}
	}
	return used
}
