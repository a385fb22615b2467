package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

const (
	// secretType distinguishes the Secret from those of other programs.
	secretType = "kubectl-tasks.io/record"
	// key is the key of the ledger in the Secret.
	key = "record.json"
)

// Store is the ledger of one release in the cluster.
type Store struct {
	// Client returns the connection to the cluster.
	Client func() (kubernetes.Interface, error)
	// Namespace and Release identify the release. Without a release the ledger is about tasks that run by name.
	Namespace, Release string
	// FirstDeployed returns what distinguishes the release from others of its name (see Ledger.FirstDeployed), "" until it
	// exists. It may be nil.
	FirstDeployed func() string
}

func (s Store) firstDeployed() string {
	if s.FirstDeployed == nil {
		return ""
	}
	return s.FirstDeployed()
}

// Name returns the name of the Secret.
func (s Store) Name() string {
	if s.Release == "" {
		return "kubectl-tasks"
	}
	return "kubectl-tasks." + s.Release
}

func (s Store) wrap(err error) error {
	return fmt.Errorf("the ledger, secret/%s in namespace %q: %w", s.Name(), s.Namespace, err)
}

// Load returns the ledger; an empty one when there is none.
func (s Store) Load(ctx context.Context) (*Ledger, error) {
	client, err := s.Client()
	if err != nil {
		return nil, err
	}
	ledger, _, err := s.load(ctx, client)
	if err != nil {
		return nil, s.wrap(err)
	}
	return ledger, nil
}

func (s Store) load(ctx context.Context, client kubernetes.Interface) (*Ledger, *corev1.Secret, error) {
	secret, err := client.CoreV1().Secrets(s.Namespace).Get(ctx, s.Name(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return &Ledger{}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if err := s.check(secret); err != nil {
		return nil, nil, err
	}
	ledger := &Ledger{}
	if err := json.Unmarshal(secret.Data[key], ledger); err != nil {
		return nil, nil, err
	}
	if ledger.FirstDeployed != "" && ledger.FirstDeployed != s.firstDeployed() {
		// It is about a deleted release of the same name.
		ledger = &Ledger{}
	}
	return ledger, secret, nil
}

// check returns an error when a Secret of this name belongs to another program or release: it is neither read nor changed.
func (s Store) check(secret *corev1.Secret) error {
	if secret.Type != secretType {
		return fmt.Errorf("its type is %q, not %q; it is not changed", secret.Type, secretType)
	}
	if of := secret.Labels[record.ReleaseLabel]; of != s.Release {
		return fmt.Errorf("its label %s is %q; it is not changed", record.ReleaseLabel, of)
	}
	return nil
}

// update changes the ledger. When another run changes it at the same time, change is called again with the new ledger. An
// empty ledger is deleted.
func (s Store) update(ctx context.Context, change func(*Ledger) error) error {
	client, err := s.Client()
	if err != nil {
		return err
	}
	secrets := client.CoreV1().Secrets(s.Namespace)
	failpoint.Point("before the ledger is written")
	defer failpoint.Point("after the ledger is written")
	err = withRetries(ctx, func() error {
		ledger, secret, err := s.load(ctx, client)
		if err != nil {
			return err
		}
		if err := change(ledger); err != nil {
			return err
		}
		ledger.FirstDeployed = s.firstDeployed()
		switch {
		case ledger.empty() && secret == nil:
			return nil
		case ledger.empty():
			read := metav1.Preconditions{UID: &secret.UID, ResourceVersion: &secret.ResourceVersion}
			return secrets.Delete(ctx, secret.Name, metav1.DeleteOptions{Preconditions: &read})
		}
		text, err := ledger.encoded()
		if err != nil {
			return err
		}
		if secret != nil {
			secret.Data = map[string][]byte{key: text}
			_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{FieldManager: "kubectl-tasks"})
			return err
		}
		labels := map[string]string{record.ManagedByLabel: "kubectl-tasks"}
		if s.Release != "" {
			labels[record.ReleaseLabel] = s.Release
		}
		_, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: s.Name(), Namespace: s.Namespace, Labels: labels},
			Type:       secretType,
			Data:       map[string][]byte{key: text},
		}, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
		return err
	})
	if err != nil {
		return s.wrap(err)
	}
	return nil
}

// withRetries calls change until it succeeds. It repeats conflicts with other runs, and requests that a busy or unreachable
// server did not answer.
func withRetries(ctx context.Context, change func() error) error {
	for again := retry.Backoff(); ; {
		err := change()
		if err == nil || !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !retry.AnswerLost(err) && !retry.Unreachable(err) {
			return err
		}
		if retry.Pause(ctx, again.Step()) != nil {
			return err
		}
	}
}

// Delete deletes the ledger. It succeeds when there is none.
func (s Store) Delete(ctx context.Context) error {
	client, err := s.Client()
	if err != nil {
		return err
	}
	secret, err := client.CoreV1().Secrets(s.Namespace).Get(ctx, s.Name(), metav1.GetOptions{})
	if err == nil {
		err = s.check(secret)
	}
	if err == nil {
		err = client.CoreV1().Secrets(s.Namespace).Delete(ctx, s.Name(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &secret.UID}})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return s.wrap(err)
	}
	return nil
}
