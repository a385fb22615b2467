package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// LocalStore holds the records on this machine, each in a file that only the user can read. It implements Store. Other
// machines do not see these runs.
type LocalStore struct {
	// Dir is the directory for one cluster.
	Dir       string
	Namespace string
}

// LocalDir returns the directory for the records of runs in the cluster with that address: a subdirectory of
// $XDG_STATE_HOME, or of ~/.local/state.
func LocalDir(getenv func(string) string, server string) (string, error) {
	state := getenv("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		state = filepath.Join(home, ".local", "state")
	}
	sum := sha256.Sum256([]byte(server))
	return filepath.Join(state, "kubectl-tasks", hex.EncodeToString(sum[:6])), nil
}

const localSuffix = ".run.json"

func (l LocalStore) folder() string { return filepath.Join(l.Dir, l.Namespace) }

// file returns the file of a run. The error is ErrNoRun for an invalid ID.
func (l LocalStore) file(id string) (string, error) {
	if id == "" || id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return "", fmt.Errorf("run %q: %w", id, ErrNoRun)
	}
	return filepath.Join(l.folder(), id+localSuffix), nil
}

// Put implements Store.
func (l LocalStore) Put(ctx context.Context, run *Stored) error {
	name, err := l.file(run.ID)
	if err != nil {
		return err
	}
	if live, err := l.Get(ctx, run.ID); err == nil && live.version != run.version || err != nil && run.version != "" {
		return errConflict
	}
	data, err := encodeStored(run)
	if err != nil {
		return err
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.folder(), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(l.folder(), ".new-") // only the user can read it
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return err
	}
	run.version = version(text)
	return nil
}

func version(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Get implements Store.
func (l LocalStore) Get(_ context.Context, id string) (*Stored, error) {
	name, err := l.file(id)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(name) //nolint:gosec // the ID was checked
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("run %s in namespace %q on this machine: %w", id, l.Namespace, ErrNoRun)
	}
	if err != nil {
		return nil, err
	}
	var data map[string][]byte
	if err := json.Unmarshal(text, &data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	run, err := decodeStored(data)
	if err == nil {
		err = run.check(id, l.Namespace)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	run.version = version(text)
	return run, nil
}

// Each implements Store. The release of an unreadable record is unknown: such records are returned for every release.
func (l LocalStore) Each(ctx context.Context, release string, each func(*Run)) ([]Unreadable, error) {
	entries, err := os.ReadDir(l.folder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var unreadable []Unreadable
	for _, e := range entries {
		id, is := strings.CutSuffix(e.Name(), localSuffix)
		if !is {
			continue
		}
		run, err := l.Get(ctx, id)
		switch {
		case errors.Is(err, ErrNoRun): // it was deleted meanwhile
		case err != nil:
			broken := Unreadable{ID: id, Err: err}
			if info, err := e.Info(); err == nil {
				broken.Start = info.ModTime()
			}
			unreadable = append(unreadable, broken)
		case release == "" || run.Release == release:
			each(&run.Run)
		}
	}
	return unreadable, nil
}

// WaitChanged implements Store.
func (l LocalStore) WaitChanged(ctx context.Context, _ *Stored, atMost time.Duration) error {
	return waitEvent(ctx, nil, min(atMost, time.Second))
}

// Delete implements Store.
func (l LocalStore) Delete(_ context.Context, id string) error {
	name, err := l.file(id)
	if err == nil {
		err = os.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoRun) {
		return nil
	}
	return err
}
