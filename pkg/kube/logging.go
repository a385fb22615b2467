package kube

import (
	"io"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

// LogTo writes what client-go logs, and the warnings of the server, to w instead of standard error, because they
// contain text of objects, of webhooks and of the server. Each warning is written once, as kubectl does
// (kubectl/pkg/cmd, NewKubectlCommand). It applies to the whole process.
func LogTo(w io.Writer) {
	klog.SetLogger(textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(w))))
	rest.SetDefaultWarningHandler(rest.NewWarningWriter(w, rest.WarningWriterOptions{Deduplicate: true}))
}
