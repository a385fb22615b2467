package record

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

// ClusterStore holds the records in the cluster, each in a Secret. It implements Store.
type ClusterStore struct {
	// Client returns the connection to the cluster.
	Client    func() (kubernetes.Interface, error)
	Namespace string
}

// runName returns the name of the Secret of a run.
func runName(id string) string { return "kubectl-tasks.run." + id }

// Put implements Store.
func (c ClusterStore) Put(ctx context.Context, run *Stored) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	data, err := encodeStored(run)
	if err != nil {
		return err
	}
	all := map[string]string{ManagedByLabel: "kubectl-tasks", runLabel: run.ID}
	if run.Release != "" {
		all[ReleaseLabel] = run.Release
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: runName(run.ID), Namespace: c.Namespace, Labels: all, ResourceVersion: run.version},
		Type:       runType, Data: data,
	}
	secrets := client.CoreV1().Secrets(c.Namespace)
	if run.version == "" {
		secret, err = secrets.Create(ctx, secret, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
	} else {
		secret, err = secrets.Update(ctx, secret, metav1.UpdateOptions{FieldManager: "kubectl-tasks"})
	}
	switch {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && run.version != "":
		return errConflict
	case err != nil:
		return err
	}
	run.version = secret.ResourceVersion
	return nil
}

// Get implements Store.
func (c ClusterStore) Get(ctx context.Context, id string) (*Stored, error) {
	client, err := c.Client()
	if err != nil {
		return nil, err
	}
	secret, err := client.CoreV1().Secrets(c.Namespace).Get(ctx, runName(id), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("run %s in namespace %q: %w", id, c.Namespace, ErrNoRun)
	}
	if err != nil {
		return nil, err
	}
	return c.decode(secret)
}

func (c ClusterStore) decode(secret *corev1.Secret) (*Stored, error) {
	run, err := decodeStored(secret.Data)
	if err == nil {
		err = run.check(strings.TrimPrefix(secret.Name, runName("")), secret.Namespace)
	}
	switch {
	case err != nil:
	case secret.Type != runType:
		err = fmt.Errorf("its type is %q, not %q", secret.Type, runType)
	case run.Release != secret.Labels[ReleaseLabel]:
		err = fmt.Errorf("it is the record of a run of release %q, and its label %s is %q", run.Release, ReleaseLabel, secret.Labels[ReleaseLabel])
	}
	if err != nil {
		return nil, fmt.Errorf("secret/%s in namespace %q cannot be read: %w", secret.Name, c.Namespace, err)
	}
	run.version = secret.ResourceVersion
	return run, nil
}

const (
	// pollEvery is the interval between reads of a record that cannot be watched.
	pollEvery = time.Second
	// page is the number of records in one request. Each may have 1 MiB.
	page = 10
)

// Each implements Store. It keeps only a few records in memory at a time.
func (c ClusterStore) Each(ctx context.Context, release string, each func(*Run)) ([]Unreadable, error) {
	var unreadable []Unreadable
	err := c.pages(ctx, release, func(secret *corev1.Secret) {
		run, err := c.decode(secret)
		if err != nil {
			unreadable = append(unreadable, Unreadable{
				ID: strings.TrimPrefix(secret.Name, runName("")), Release: secret.Labels[ReleaseLabel], Start: secret.CreationTimestamp.Time, Err: err,
			})
			return
		}
		each(&run.Run)
	})
	return unreadable, err
}

// pages calls each with the Secrets of the runs of a release, or of all runs when release is empty.
func (c ClusterStore) pages(ctx context.Context, release string, each func(*corev1.Secret)) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	selector := runLabel
	if release != "" {
		selector += "," + labels.SelectorFromSet(labels.Set{ReleaseLabel: release}).String()
	}
	options := metav1.ListOptions{LabelSelector: selector, Limit: page}
	for {
		list, err := client.CoreV1().Secrets(c.Namespace).List(ctx, options)
		if apierrors.IsResourceExpired(err) && options.Continue != "" {
			// The list is too old to continue: get the rest as it is now (ListOptions.Continue).
			if again := continueToken(err); again != "" {
				options.Continue = again
				continue
			}
		}
		if err != nil {
			return err
		}
		for i := range list.Items {
			if list.Items[i].Type == runType {
				each(&list.Items[i])
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// continueToken returns the token that an expired list request can be continued with.
func continueToken(err error) string {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return status.Status().Continue
	}
	return ""
}

// WaitChanged implements Store.
func (c ClusterStore) WaitChanged(ctx context.Context, run *Stored, atMost time.Duration) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	options := metav1.SingleObject(metav1.ObjectMeta{Name: runName(run.ID), ResourceVersion: run.version})
	var events <-chan watch.Event
	if watching, err := client.CoreV1().Secrets(c.Namespace).Watch(ctx, options); err == nil {
		defer watching.Stop()
		events = watching.ResultChan()
	} else {
		atMost = min(atMost, time.Second)
	}
	return waitEvent(ctx, events, atMost)
}

// waitEvent returns when an event arrives, or after atMost.
func waitEvent(ctx context.Context, events <-chan watch.Event, atMost time.Duration) error {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case event, open := <-events:
		if !open || event.Type == watch.Error { // the server ended the watch
			return retry.Pause(ctx, min(atMost, pollEvery))
		}
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// Delete implements Store.
func (c ClusterStore) Delete(ctx context.Context, id string) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	err = client.CoreV1().Secrets(c.Namespace).Delete(ctx, runName(id), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
