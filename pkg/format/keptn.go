package format

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Keptn is the name of Keptn's format.
const Keptn = "keptn"

var keptnFormat = Format{
	Name:       Keptn,
	Files:      []string{"keptn.yaml"},
	Extensions: []string{".yaml", ".yml", ".json"},
	Shared:     true,
	Recognises: keptn.Recognises,
	Parse:      parseKeptn,
	Convert:    convertKeptn,
}

func parseKeptn(d Document, all []Document, o Options) ([]task.Task, task.Diagnostics) {
	return keptn.Parse(d.Text, keptn.Options{
		Source: d.Source, Namespace: o.Facts.Namespace, Release: o.Facts.Release, Images: o.Images, Lenient: o.Lenient,
		Others: append(KeptnDocuments(all), o.Keptn.Definitions...), Namespaces: o.Keptn.Namespaces,
	})
}

func convertKeptn(d Document, _ Options) (Converted, task.Diagnostics) {
	tasks, found := keptn.Convert(d.Text, keptn.Options{Source: d.Source})
	return Converted{native.Content{Tasks: tasks}, keptn.Deviations}, found
}

// KeptnDocuments returns the documents of Keptn's format. Their definitions can refer to one another.
func KeptnDocuments(all []Document) []keptn.Document {
	var found []keptn.Document
	for _, d := range all {
		if d.Format == Keptn {
			found = append(found, keptn.Document{Source: d.Source, Text: d.Text})
		}
	}
	return found
}
