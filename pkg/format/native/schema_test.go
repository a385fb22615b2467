package native

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the golden files anew")

const root = "../../.."

// compiled returns the compiled schema.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(Schema())
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaID, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(document)
}

// inDocuments matches task files in the documents, such as cat > tasks.yaml <<'EOF'.
var inDocuments = regexp.MustCompile(`(?s)<<'EOF'\n(apiVersion: kubectl-tasks\.io/[^\n]*\nkind: Tasks\n.*?)\nEOF\n`)

// TestSchema: the texts of this test, the examples and the documents are valid when the parser accepts them, and
// invalid when it rejects their form.
func TestSchema(t *testing.T) {
	s := compiled(t)
	valid := map[string]string{"everything": everything, "params": withParams, "outputs": withOutputs}
	files, err := filepath.Glob(filepath.Join(root, "examples/*/tasks.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	documents, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	if err != nil || len(documents) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	executors, err := filepath.Glob(filepath.Join(root, "docs/executors/*.md"))
	if err != nil || len(executors) != len(executorNames()) {
		t.Errorf("%d pages for %d executors, error %v", len(executors), len(executorNames()), err)
	}
	for _, path := range slices.Concat(files, documents, executors, []string{filepath.Join(root, "README.md")}) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(path) == ".yaml" {
			valid[path] = string(text)
		}
		for i, m := range inDocuments.FindAllStringSubmatch(string(text), -1) {
			valid[fmt.Sprintf("%s, file %d", path, i+1)] = m[1]
		}
	}
	for name, text := range valid {
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, found := Parse([]byte(text), Options{Source: source, Lenient: true}); found.Err() != nil && !strings.Contains(found.Error(), "the document has no directory") {
			t.Errorf("%s: %v", name, found)
		}
	}
	for _, text := range []string{
		"", "{}", head + "tasks: [{host: {command: [x]}}]\n",
		head + "tasks: [{name: a}]\n",
		head + "tasks: [{name: a, host: {command: [x]}, pod: {image: i}}]\n",
		head + "tasks: [{name: a, host: {comand: [x]}}]\n",
		head + "tasks: [{name: a, phase: before, host: {command: [x]}}]\n",
		head + "tasks: [{name: a, timeout: 5, host: {command: [x]}}]\n",
		head + "tasks: [{name: a, pod: {spec: {container: []}}}]\n",
		head + "tasks: [{name: a, host: {command: [x]}, undo: {wait: {object: a/b}}}]\n",
	} {
		if validate(t, s, text) == nil {
			t.Errorf("valid, and should not be: %s", text)
		}
	}
}

// TestSchemaComments: every type of this package has a comment.
func TestSchemaComments(t *testing.T) {
	for name, definition := range Schema()["$defs"].(map[string]any) {
		if strings.Contains(name, ".") {
			continue
		}
		if definition.(map[string]any)["description"] == nil {
			t.Errorf("%s has no comment", name)
		}
	}
}

// TestReference: docs/reference.md is up to date.
func TestReference(t *testing.T) {
	path := filepath.Join(root, "docs/reference.md")
	got := Reference()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/reference.md is not what the types say; run make golden (-file +types):\n%s", diff)
	}
}
