package plugin

import (
	"fmt"
	"slices"
	"strings"

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
