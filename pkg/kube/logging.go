package kube

import (
	"io"

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

// LogTo has what client-go logs, and what the server warns of, written to w rather than to standard error: it has
// text of objects, of webhooks and of the server in it. Each warning is written once, as kubectl does
// (kubectl/pkg/cmd, NewKubectlCommand). It is for the whole process.
func LogTo(w io.Writer) {
	klog.SetLogger(textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(w))))
	rest.SetDefaultWarningHandler(rest.NewWarningWriter(w, rest.WarningWriterOptions{Deduplicate: true}))
}
