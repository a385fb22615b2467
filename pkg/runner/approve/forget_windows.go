package approve

import (
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// forget throws away what was typed at a console and not read yet.
func forget(in io.Reader) {
	if file, ok := in.(*os.File); ok {
		_ = windows.FlushConsoleInputBuffer(windows.Handle(file.Fd())) // no console has nothing to throw away
	}
}
