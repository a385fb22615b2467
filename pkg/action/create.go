package action

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/draft"
)

// packTasks is the file of a Draft pack that becomes the application's tasks (spec draft.md § 1.2, "draft create").
const packTasks = "tasks.toml"

// Created is a task file for an application.
type Created struct {
	Path string
	// From is the file that it is a copy of; empty for an empty file.
	From string
	// New reports that it did not exist before; an existing file is left unchanged.
	New bool
}

// Create creates Draft's task file in a directory: the tasks of a pack, or an empty file when pack is empty or has none.
func Create(dir, pack string) (Created, error) {
	created := Created{Path: filepath.Join(dir, draft.FileName)}
	text, mode, from, err := readPack(pack)
	if err != nil {
		return created, UsageError{err}
	}
	file, err := os.OpenFile(created.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return created, nil
	}
	if err != nil {
		return created, UsageError{err}
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		// Half a task file would run as if it were complete.
		return created, errors.Join(err, os.Remove(created.Path))
	}
	created.New, created.From = true, from
	return created, nil
}

// readPack returns the task file of a pack, its mode and its path; an empty one when the pack has none, or pack is empty.
func readPack(pack string) (text []byte, mode fs.FileMode, path string, err error) {
	const empty = 0o644
	if pack == "" {
		return nil, empty, "", nil
	}
	info, err := os.Stat(pack)
	if err != nil {
		return nil, 0, "", err
	}
	if !info.IsDir() {
		return nil, 0, "", fmt.Errorf("%s: a pack is a directory", pack)
	}
	path = filepath.Join(pack, packTasks)
	info, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, empty, "", nil
	}
	if err != nil {
		return nil, 0, "", err
	}
	text, err = os.ReadFile(path)
	return text, info.Mode().Perm(), path, err
}
