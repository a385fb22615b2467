package approve

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// forget throws away what was typed at a terminal and not read yet, as tcflush does.
func forget(in io.Reader) {
	if file, ok := in.(*os.File); ok {
		_ = unix.IoctlSetInt(int(file.Fd()), unix.TCFLSH, unix.TCIFLUSH) // no terminal has nothing to throw away
	}
}
