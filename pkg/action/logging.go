package action

import (
	"io"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// LogTo sends what client-go logs, and the warnings of the API server, to w; for the whole process.
func LogTo(w io.Writer) { kube.LogTo(w) }
