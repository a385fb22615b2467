package strict

import (
	"encoding/json"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder fills Go values from expanded nodes, and collects all errors. Unlike encoding/json it rejects unknown
// keys, and suggests the nearest name.
type decoder struct{ errors []Error }

// Decode fills target, which must be settable, from an expanded node (see Expand). It returns all errors.
func Decode(n *yaml.Node, target reflect.Value) []Error {
	d := &decoder{}
	d.decode(n, target)
	return d.errors
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	d.errors = append(d.errors, At(n, format, args...))
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// decode fills target, which must be settable.
func (d *decoder) decode(n *yaml.Node, target reflect.Value) {
	if text, ok := Tagged(n); ok {
		d.fail(n, "%s is a YAML tag and not part of the value; write %q, in quotes", n.Tag, text)
		return
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
		d.decode(n, target.Elem())
		return
	}
	if target.Addr().Type().Implements(unmarshaler) {
		d.custom(n, target)
		return
	}
	switch target.Kind() {
	case reflect.Struct:
		d.structure(n, target)
	case reflect.Map:
		d.mapping(n, target)
	case reflect.Slice:
		d.sequence(n, target)
	case reflect.Interface:
		target.Set(reflect.ValueOf(jsonValue(n)))
	default:
		d.scalar(n, target)
	}
}

// Tagged reports whether a scalar has a custom tag, such as !T. It returns the text that was probably meant: an
// exclamation mark begins a tag unless the text is in quotes.
func Tagged(n *yaml.Node) (text string, ok bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!" || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return "", false
	}
	return strings.TrimSpace(n.Tag + " " + n.Value), true
}

// custom decodes a value with the UnmarshalJSON method of its type.
func (d *decoder) custom(n *yaml.Node, target reflect.Value) {
	text, err := json.Marshal(jsonValue(n))
	if err == nil {
		err = target.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(text)
	}
	if err != nil {
		d.fail(n, "%v", err)
	}
}

func (d *decoder) structure(n *yaml.Node, target reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "this must be a mapping of %s", strings.Join(fieldNames(target.Type()), ", "))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		index := FieldByName(target.Type(), key.Value)
		if index == nil {
			d.fail(key, "unknown field %q%s", key.Value, Suggestion(key.Value, fieldNames(target.Type())))
			continue
		}
		d.decode(value, target.FieldByIndex(index))
	}
}

func (d *decoder) mapping(n *yaml.Node, target reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "this must be a mapping")
		return
	}
	target.Set(reflect.MakeMap(target.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := reflect.New(target.Type().Elem()).Elem()
		d.decode(n.Content[i+1], value)
		target.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(target.Type().Key()), value)
	}
}

func (d *decoder) sequence(n *yaml.Node, target reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "this must be a list")
		return
	}
	target.Set(reflect.MakeSlice(target.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		d.decode(c, target.Index(i))
	}
}

func (d *decoder) scalar(n *yaml.Node, target reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, "this must be %s", kindName(target.Kind()))
		return
	}
	text, err := json.Marshal(jsonValue(n))
	if err == nil {
		err = json.Unmarshal(text, target.Addr().Interface())
	}
	switch {
	case err == nil:
	case target.Kind() == reflect.String:
		d.fail(n, "this must be a string: write %q, in quotes", n.Value)
	default:
		d.fail(n, "%q is not %s", n.Value, kindName(target.Kind()))
	}
}

// kindName returns the name of a kind of value, with an article.
func kindName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number"
	default:
		return "a number"
	}
}

// jsonValue returns a node as encoding/json decodes it, with all digits of numbers.
func jsonValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode, yaml.AliasNode, yaml.ScalarNode: // an expanded document has only scalars of these
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = jsonValue(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = jsonValue(c)
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		var value any
		if err := n.Decode(&value); err != nil {
			return n.Value
		}
		if _, err := json.Marshal(value); err != nil {
			return n.Value // .inf and .nan, which do not exist in JSON
		}
		return value
	}
	return n.Value
}
