package runner

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExecutorsHaveRows fails when an executor of pkg/task has no row. Hook has none, because no task of a file can have
// it.
func TestExecutorsHaveRows(t *testing.T) {
	files, err := filepath.Glob("../task/*.go")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "executor" && f.Recv != nil {
				types[f.Recv.List[0].Type.(*ast.Ident).Name] = true
			}
		}
	}
	delete(types, "Hook")
	var rows []string
	for _, e := range executors {
		rows = append(rows, strings.TrimPrefix(reflect.TypeOf(e.Type).String(), "task."))
		if found, ok := Of(e.Type); !ok || !reflect.DeepEqual(found.Type, e.Type) {
			t.Errorf("the row of %T is not found by its kind", e.Type)
		}
	}
	slices.Sort(rows)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(types)), rows); diff != "" {
		t.Error(diff)
	}
}
