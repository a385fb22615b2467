package native

import (
	_ "embed" // for the comments of the types
	"go/ast"
	goparser "go/parser"
	"go/token"
	"reflect"
	"strings"
)

//go:embed types.go
var typesSource []byte

// owner returns the name of the type that declares a field: t, or a type that it embeds.
func owner(t reflect.Type, index []int) string {
	for _, i := range index[:len(index)-1] {
		t = t.Field(i).Type
	}
	return t.Name()
}

// comments returns the comments of the types and fields in types.go, by "Type" and "Type.Field". A comment above
// several fields is that of the first one.
func comments() map[string]string {
	file, err := goparser.ParseFile(token.NewFileSet(), "types.go", typesSource, goparser.ParseComments)
	if err != nil {
		return nil // impossible: the file is part of the program
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		declaration, ok := n.(*ast.GenDecl)
		if !ok || len(declaration.Specs) != 1 {
			return true
		}
		spec, ok := declaration.Specs[0].(*ast.TypeSpec)
		if !ok {
			return true
		}
		found[spec.Name.Name] = oneLine(declaration.Doc)
		structure, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, f := range structure.Fields.List {
			for _, name := range f.Names {
				found[spec.Name.Name+"."+name.Name] = oneLine(f.Doc)
			}
		}
		return true
	})
	return found
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
