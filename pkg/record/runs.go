package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const (
	// runType and runLabel tell a run's Secret from others.
	runType  = "kubectl-tasks.io/run"
	runLabel = "kubectl-tasks.io/run"
	// ManagedByLabel is on each Secret of this program, with the value kubectl-tasks.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	// ReleaseLabel names the release that a Secret is about.
	ReleaseLabel = "kubectl-tasks.io/release"
	// runKey is where it has the run, and the keys with logPrefix have what its steps printed.
	runKey    = "run"
	logPrefix = "log."
)

// maxBytes is the largest size of a record; a Secret can have 1 MiB.
const maxBytes = 512 << 10

// Stored is a recorded run with what its steps have printed.
type Stored struct {
	Run

	// logs are the packed texts of what steps printed, by the steps' IDs.
	logs map[string][]byte
	// version tells this state of the record from others.
	version string
}

// Log returns the beginning and the end of what a step printed, without its secrets; nil when it printed
// nothing, has not ended yet, or when there was no room.
func (s *Stored) Log(step string) ([]byte, error) {
	packed, ok := s.logs[step]
	if !ok {
		return nil, nil
	}
	return unpack(packed)
}

// ErrNoRun means that there is no record of such a run.
var ErrNoRun = errors.New("there is no record of such a run")

// ErrTakenOver means that another process works on the run, or that its record was deleted.
var ErrTakenOver = errors.New("another process has taken the run over, or its record was deleted")

// errConflict means that the record is not as it was when it was read.
var errConflict = errors.New("the record has changed")

// Store is a place with the records of the runs of a namespace.
type Store interface {
	// Put stores a run: a new one when its version is empty, else in the place of that version, which it
	// changes. The error is errConflict when there is another one.
	Put(ctx context.Context, run *Stored) error
	// Get returns a run; ErrNoRun when there is none of that ID.
	Get(ctx context.Context, id string) (*Stored, error)
	// Each calls each with the runs of a release, or with all when that is empty, in no order and without what
	// their steps have printed, and returns the records that cannot be read. The error is about the place: no
	// record keeps others from being seen.
	Each(ctx context.Context, release string, each func(*Run)) ([]Unreadable, error)
	// WaitChanged returns when a run is not as it was when it was read, or after a time.
	WaitChanged(ctx context.Context, run *Stored, atMost time.Duration) error
	// Delete removes a run; one that is not there is no error.
	Delete(ctx context.Context, id string) error
}

// Unreadable is the record of a run that is there and cannot be read.
type Unreadable struct {
	// ID and Release are those of the run, as far as the place of its record tells, and Start is when it was
	// made, or last written.
	ID, Release string
	Start       time.Time
	// Err names the record and says what is wrong with it.
	Err error
}

// List returns the runs of a release, or all when that is empty, the oldest first, without what their steps have
// printed, and the records that cannot be read, the oldest first. The error is about the place.
func List(ctx context.Context, runs Store, release string) ([]*Run, []Unreadable, error) {
	var all []*Run
	unreadable, err := runs.Each(ctx, release, func(run *Run) { all = append(all, run) })
	slices.SortFunc(all, CompareStart)
	slices.SortFunc(unreadable, func(a, b Unreadable) int { return a.Start.Compare(b.Start) })
	return all, unreadable, err
}

// ClusterStore are the records in the cluster, each in a Secret. It implements Runs.
type ClusterStore struct {
	// Client returns the connection to the cluster.
	Client    func() (kubernetes.Interface, error)
	Namespace string
}

// runName is the name of the Secret of a run.
func runName(id string) string { return "kubectl-tasks.run." + id }

// Put implements Runs.
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

// Get implements Runs.
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
		err = fmt.Errorf("it is of the type %q, and records are of %q", secret.Type, runType)
	case run.Release != secret.Labels[ReleaseLabel]:
		err = fmt.Errorf("it is about release %q, and its label %s says %q", run.Release, ReleaseLabel, secret.Labels[ReleaseLabel])
	}
	if err != nil {
		return nil, fmt.Errorf("secret/%s in namespace %q cannot be read: %w", secret.Name, c.Namespace, err)
	}
	run.version = secret.ResourceVersion
	return run, nil
}

// pollEvery is the interval between reads of a record that cannot be watched.
const pollEvery = time.Second

// page is how many records are asked for at once. Each may have a MiB.
const page = 10

// Each implements Runs. It has a few records at a time in memory.
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

// pages calls each with the Secrets of the runs of a release, or with all when that is empty.
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
			// It took too long: the rest, as it is now (ListOptions.Continue).
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

// continueToken is the token that comes with the answer that another one is too old.
func continueToken(err error) string {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return status.Status().Continue
	}
	return ""
}

// CompareStart compares runs by when they began. Their IDs tell seconds only, and what follows is random.
func CompareStart(a, b *Run) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) }

// WaitChanged implements Runs.
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
	return first(ctx, events, atMost)
}

// first returns when something comes, or after a time.
func first(ctx context.Context, events <-chan watch.Event, atMost time.Duration) error {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case event, open := <-events:
		if !open || event.Type == watch.Error { // the server ended it
			return retry.Pause(ctx, min(atMost, pollEvery))
		}
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// Delete implements Runs.
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

// encodeStored returns a run and its logs as the data of a Secret, of at most maxBytes: first the logs
// of the oldest steps go, then what is told about each step, but never how it ended.
func encodeStored(run *Stored) (map[string][]byte, error) {
	kept := run.Run
	text, err := encodeRun(&kept)
	if err != nil {
		return nil, err
	}
	if len(text) > maxBytes {
		kept.Compacted, kept.Steps = true, nil
		for _, s := range run.Steps {
			kept.Steps = append(kept.Steps, Step{ID: s.ID, Kind: s.Kind, Digest: s.Digest, Attempt: s.Attempt, Created: s.Created, State: s.State, ExitCode: s.ExitCode, Outputs: s.Outputs})
		}
		if text, err = encodeRun(&kept); err != nil {
			return nil, err
		}
		if len(text) > maxBytes {
			return nil, fmt.Errorf("the record of the run would have %d KiB; a run of so many tasks can be recorded with --record=local only", len(text)>>10)
		}
	}
	data := map[string][]byte{runKey: text}
	room := maxBytes - len(text)
	for i := range slices.Backward(run.Steps) {
		id := run.Steps[i].ID
		packed, ok := run.logs[id]
		if !ok {
			continue
		}
		if room -= len(packed); room < 0 {
			kept.DroppedLogs = append(kept.DroppedLogs, id)
			continue
		}
		data[fmt.Sprintf("%s%d", logPrefix, i)] = packed
	}
	if len(kept.DroppedLogs) > len(run.DroppedLogs) {
		data[runKey], err = encodeRun(&kept)
	}
	return data, err
}

// decodeStored is the reverse of encodeStored.
func decodeStored(data map[string][]byte) (*Stored, error) {
	run, err := decodeRun(data[runKey])
	if err != nil {
		return nil, err
	}
	stored := &Stored{Run: *run, logs: map[string][]byte{}}
	for i := range run.Steps {
		if packed, ok := data[fmt.Sprintf("%s%d", logPrefix, i)]; ok {
			stored.logs[run.Steps[i].ID] = packed
		}
	}
	return stored, nil
}

// Abandon records that nobody works on a run any more: what had begun and has no end was cancelled. The
// error is ErrTakenOver when somebody does.
func Abandon(ctx context.Context, runs Store, run *Stored, by lock.Owner) error {
	now := time.Now().UTC()
	run.End, run.Status = &now, task.Cancelled
	for i := range run.Steps {
		if s := &run.Steps[i]; s.Attempt > 0 && s.State == "" {
			s.State, s.Reason, s.Message, s.End = task.Cancelled, "Cancelled", "cancelled by "+by.String(), &now
		}
	}
	if err := runs.Put(ctx, run); err != nil {
		if errors.Is(err, errConflict) {
			return ErrTakenOver
		}
		return err
	}
	return nil
}
