package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
)

// addOutput adds -o with the formats that the command knows.
func addOutput(fs *pflag.FlagSet, value *string, formats ...string) {
	fs.StringVarP(value, "output", "o", "", "output format; one of "+strings.Join(formats, ", "))
}

func checkOutput(value string, formats ...string) error {
	if value == "" || slices.Contains(formats, value) {
		return nil
	}
	return usageError{fmt.Errorf("unknown output format %q; use one of %s", value, strings.Join(formats, ", "))}
}

// dataWriter takes the data of a task, and keeps the first error. That nobody reads any more is none.
type dataWriter struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (d *dataWriter) Write(b []byte) (int, error) {
	n, err := d.to.Write(b)
	if err != nil && d.err == nil && !errors.Is(err, syscall.EPIPE) {
		d.err = err
	}
	return n, err
}

// isFile reports whether a stream is a regular file.
func isFile(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}
