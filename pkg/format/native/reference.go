package native

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
)

// Reference returns a Markdown page with all fields of the format, from the types and their comments.
func Reference() string {
	r := reference{comments: comments(), enums: enums(), seen: map[reflect.Type]bool{}}
	r.page.WriteString("# tasks.yaml: every field\n\nThis page is made from the program's types. [format.md](format.md) explains how the fields work together;\nfields of a type such as `core/v1.EnvVar` are those of Kubernetes. `kubectl tasks schema` prints the same for\neditors.\n")
	r.section(reflect.TypeFor[Document]())
	return r.page.String()
}

type reference struct {
	page     strings.Builder
	comments map[string]string
	enums    map[string][]string
	seen     map[reflect.Type]bool
}

// section writes the table of a type, then the tables of the types of its fields.
func (r *reference) section(t reflect.Type) {
	if r.seen[t] {
		return
	}
	r.seen[t] = true
	fmt.Fprintf(&r.page, "\n## %s\n\n%s\n\n| field | type | |\n|---|---|---|\n", t.Name(), cell(r.comments[t.Name()]))
	known := strict.FieldsOf(t)
	var next []reflect.Type
	for _, name := range known.Names {
		f := t.FieldByIndex(known.Index[name])
		text := r.comments[owner(t, known.Index[name])+"."+f.Name]
		if text == "" {
			text = "As in Kubernetes."
		}
		if words := r.enums[t.Name()+"."+name]; words != nil && len(words) < 6 {
			text = strings.TrimSpace(text + " One of `" + strings.Join(words, "`, `") + "`.")
		}
		fmt.Fprintf(&r.page, "| `%s` | %s | %s |\n", name, typeName(f.Type), cell(text))
		if of := element(f.Type); of.Kind() == reflect.Struct && ours(of) {
			next = append(next, of)
		}
	}
	for _, n := range next {
		r.section(n)
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func ours(t reflect.Type) bool { return t.PkgPath() == reflect.TypeFor[Document]().PkgPath() }

func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Duration]():
		return "duration"
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list of " + typeName(t.Elem())
	case t.Kind() == reflect.Map:
		return "mapping to " + typeName(t.Elem())
	case t.Kind() == reflect.Struct && ours(t):
		return fmt.Sprintf("[%s](#%s)", t.Name(), strings.ToLower(t.Name()))
	case t.Kind() == reflect.Struct:
		return "`" + strings.TrimPrefix(strings.TrimPrefix(t.PkgPath(), "k8s.io/api/"), "k8s.io/apimachinery/pkg/apis/") + "." + t.Name() + "`"
	case t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Bool:
		return "boolean"
	}
	return "number"
}
