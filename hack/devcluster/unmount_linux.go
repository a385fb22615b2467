package main

import "syscall"

// unmount takes a mount away, also when something still uses it.
func unmount(path string) error { return syscall.Unmount(path, syscall.MNT_DETACH) }
