package native

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// SchemaID identifies the schema of this version of the format.
const SchemaID = "https://kubectl-tasks.io/schema/v1alpha1/tasks.json"

// enums returns the values of fields with a fixed set of values, by "Type.field".
func enums() map[string][]string {
	return map[string][]string{
		"Task.phase": phaseNames(), "Task.onFailure": {"fail", "warn", "continue", "rollback"}, "Task.run": {"always", runOnChange},
		"Output.type": {string(task.String), string(task.Number), string(task.Boolean), string(task.JSON)}, "Clone.version": {"current", "next"},
		"Function.runtime":    {string(task.Deno), string(task.Python)},
		"Document.apiVersion": {APIVersion}, "Document.kind": {Kind},
	}
}

// executorNames returns the fields of a task of which exactly one must be set.
func executorNames() []string {
	var names []string
	for _, e := range (&parser{}).executors(Task{}) {
		names = append(names, e.name)
	}
	return names
}

// Schema returns the JSON Schema (draft 2020-12) of a document, from the types that documents are decoded into
// and their comments.
func Schema() map[string]any {
	s := schema{definitions: map[string]any{}, comments: comments(), enums: enums()}
	root := s.of(reflect.TypeFor[Document]())
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaID,
		"title": "tasks.yaml of kubectl-tasks", "$ref": root["$ref"], "$defs": s.definitions,
	}
}

type schema struct {
	definitions map[string]any
	// comments are those of the types of this package ("Task") and their fields ("Task.Name").
	comments map[string]string
	enums    map[string][]string
}

// of returns the schema of a type. For a struct it is a reference to its definition.
func (s *schema) of(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	case reflect.TypeFor[Count]():
		return map[string]any{"type": []string{"string", "integer"}}
	case reflect.TypeFor[resource.Quantity](), reflect.TypeFor[intstr.IntOrString]():
		return map[string]any{"type": []string{"string", "number"}}
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		return s.structure(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": "string"}
		}
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	default:
		return map[string]any{"type": "integer"}
	}
}

func (s *schema) structure(t reflect.Type) map[string]any {
	name := t.Name()
	ours := t.PkgPath() == reflect.TypeFor[Document]().PkgPath()
	if !ours {
		name = strings.ReplaceAll(strings.TrimPrefix(t.PkgPath(), "k8s.io/"), "/", ".") + "." + name
	}
	reference := map[string]any{"$ref": "#/$defs/" + name}
	if _, has := s.definitions[name]; has {
		return reference
	}
	definition := map[string]any{"type": "object", "additionalProperties": false}
	s.definitions[name] = definition
	properties := map[string]any{}
	var required []string
	known := strict.FieldsOf(t)
	for _, field := range known.Names {
		f := t.FieldByIndex(known.Index[field])
		property := s.of(f.Type)
		if words := s.enums[name+"."+field]; words != nil {
			property["enum"] = words
		}
		if ours {
			if text := s.comments[owner(t, known.Index[field])+"."+f.Name]; text != "" {
				property["description"] = text
			}
			if !strings.Contains(f.Tag.Get("json"), "omit") {
				required = append(required, field)
			}
		}
		properties[field] = property
	}
	definition["properties"] = properties
	if text := s.comments[name]; ours && text != "" {
		definition["description"] = text
	}
	if len(required) > 0 {
		definition["required"] = required
	}
	switch name {
	case "Task":
		definition["oneOf"] = oneOf(executorNames())
	case "Undo":
		definition["oneOf"] = oneOf(slices.DeleteFunc(executorNames(), func(n string) bool { return properties[n] == nil }))
	}
	return reference
}

func oneOf(names []string) []any {
	var forms []any
	for _, n := range names {
		forms = append(forms, map[string]any{"required": []string{n}})
	}
	return forms
}
