package strict

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// fieldNames returns the JSON names of the fields of a struct type, including embedded ones, in order.
func fieldNames(t reflect.Type) []string { return FieldsOf(t).Names }

// FieldByName returns the index of the field with that JSON name; nil when there is none.
func FieldByName(t reflect.Type, name string) []int { return FieldsOf(t).Index[name] }

// Fields are the fields of a struct type that have a JSON name: the names in order, and the index of each.
type Fields struct {
	Names []string
	Index map[string][]int
}

// cachedFields are the fields of types, because finding them is slow.
var cachedFields sync.Map // reflect.Type → Fields

// FieldsOf returns the fields of a struct type, including embedded ones.
func FieldsOf(t reflect.Type) Fields {
	if f, ok := cachedFields.Load(t); ok {
		return f.(Fields)
	}
	f := Fields{Index: map[string][]int{}}
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" && field.IsExported() {
			f.Names = append(f.Names, name)
			f.Index[name] = field.Index
		}
	}
	cachedFields.Store(t, f)
	return f
}

// Suggestion returns "; did you mean …?" with the nearest name, or "; there are …" with all names.
func Suggestion(name string, names []string) string {
	if meant := task.Nearest(name, names); meant != "" {
		return fmt.Sprintf("; did you mean %q?", meant)
	}
	if len(names) == 0 {
		return ""
	}
	return "; there are " + strings.Join(names, ", ")
}
