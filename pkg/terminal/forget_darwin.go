package terminal

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// forget discards the input of a terminal that was not read, as tcflush(3) does.
func forget(in io.Reader) {
	if file, ok := in.(*os.File); ok {
		_ = unix.IoctlSetPointerInt(int(file.Fd()), unix.TIOCFLUSH, unix.TCIFLUSH) // fails if it is no terminal
	}
}
