package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// locked runs do while no other devcluster of this machine does. The lock goes with the process
// that holds it; the servers do not inherit it.
func locked(do func() error) error {
	path := filepath.Join(os.TempDir(), "kubectl-tasks-devcluster.lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		say("waiting for another devcluster command")
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
			return fmt.Errorf("lock %s: %w", path, err)
		}
	}
	return do()
}
