package terminal

import (
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// forget discards the input of a console that was not read.
func forget(in io.Reader) {
	if file, ok := in.(*os.File); ok {
		_ = windows.FlushConsoleInputBuffer(windows.Handle(file.Fd())) // fails if it is no console
	}
}
