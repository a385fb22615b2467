//go:build !linux

package main

import "errors"

// unmount is here so that this builds on other systems too, where main says what to do instead.
func unmount(string) error { return errors.ErrUnsupported }
