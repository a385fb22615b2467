package format

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestUndeclared(t *testing.T) {
	given := map[string]string{"SIZE": "", "X": "", "A": "", "NOTE": ""}
	document := func(format, text string) Document {
		return Document{Source: task.Source{Format: format}, Text: []byte(text)}
	}
	documents := []Document{
		document("native", "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\nparams: [{name: SIZE}]\n"),
		document("native", "broken: ["),
		document("lagoon", "{name: a, type: COMMAND, service: cli, command: x, advancedTaskDefinitionArguments: [{name: NOTE, type: STRING}]}"),
		document("draft", "[pre-up]\nX = \"A\"\n"),
	}
	if diff := cmp.Diff([]string{"A", "X"}, undeclared(given, documents)); diff != "" {
		t.Error(diff)
	}
}

// TestUnknownFormat: a document of a format that is not in the table is an error at its name.
func TestUnknownFormat(t *testing.T) {
	_, err := Read([]Document{{Source: task.Source{Name: "x.yaml", Format: "other"}}}, Options{})
	if err == nil || err.Error() != "x.yaml: unknown format other" {
		t.Error(err)
	}
}
