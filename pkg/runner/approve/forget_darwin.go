package approve

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// forget throws away what was typed at a terminal and not read yet, as tcflush does.
func forget(in io.Reader) {
	if file, ok := in.(*os.File); ok {
		_ = unix.IoctlSetPointerInt(int(file.Fd()), unix.TIOCFLUSH, unix.TCIFLUSH) // no terminal has nothing to throw away
	}
}
