package expression

import (
	"encoding/json"
	"math"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxExact is the number up to which every whole number is a float64.
const maxExact = 1 << 53

// adapter converts variables to CEL values. JSON and YAML parsers, Helm's too, read all numbers as float64. A whole number
// among them becomes an int, as --set makes it, so that string() prints its digits. From 2^53 on it may differ from the
// number in the file, and stays a float64 as in Helm's templates.
type adapter struct{ types.Adapter }

// NativeToValue implements types.Adapter.
func (a adapter) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case float64:
		if whole(v) {
			return types.Int(v)
		}
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	}
	return a.Adapter.NativeToValue(v)
}

func whole(v float64) bool { return v == math.Trunc(v) && math.Abs(v) < maxExact }

// native converts a CEL value to a Go value as JSON has it, and keeps whole numbers.
func native(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Int:
		return int64(v), nil
	case types.Uint:
		return uint64(v), nil
	case types.Double:
		return float64(v), nil
	case traits.Mapper:
		all := map[string]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			name, err := key.ConvertToNative(jsonType)
			if err != nil {
				return nil, err
			}
			text, err := toText(name.(*structpb.Value).AsInterface())
			if err != nil {
				return nil, err
			}
			if all[text], err = native(v.Get(key)); err != nil {
				return nil, err
			}
		}
		return all, nil
	case traits.Lister:
		all := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			one, err := native(it.Next())
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		return all, nil
	}
	converted, err := v.ConvertToNative(jsonType)
	if err != nil {
		return nil, err
	}
	return converted.(*structpb.Value).AsInterface(), nil
}

// toText returns a value as text: strings as they are, other values as JSON.
func toText(v any) (string, error) {
	if text, ok := v.(string); ok {
		return text, nil
	}
	encoded, err := json.Marshal(renderNumbers(v))
	return string(encoded), err
}

// renderNumbers returns a value whose numbers are written to JSON as string() and Helm's templates write them.
func renderNumbers(v any) any {
	switch v := v.(type) {
	case float64:
		if !whole(v) && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
		}
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = renderNumbers(v[i])
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for key := range v {
			all[key] = renderNumbers(v[key])
		}
		return all
	}
	return v
}
