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

// exact is the number up to which every whole number has a float64 of its own.
const exact = 1 << 53

// adapter turns what variables hold into values of CEL. JSON and YAML are read with all numbers as float64, by Helm
// too; a whole one among them is an int, as it is when --set gives it, so that string() gives its digits. From
// 2^53 on it may not be the number that was written, and stays what Helm renders.
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

func whole(v float64) bool { return v == math.Trunc(v) && math.Abs(v) < exact }

// native returns a value of CEL as Go has JSON, with whole numbers as they are.
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
			text, err := show(name.(*structpb.Value).AsInterface())
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

// show returns a value as text: texts as they are, all else as JSON.
func show(v any) (string, error) {
	if text, ok := v.(string); ok {
		return text, nil
	}
	encoded, err := json.Marshal(written(v))
	return string(encoded), err
}

// written returns a value whose numbers JSON writes as string() does, and Helm's templates.
func written(v any) any {
	switch v := v.(type) {
	case float64:
		if !whole(v) && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
		}
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = written(v[i])
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for key := range v {
			all[key] = written(v[key])
		}
		return all
	}
	return v
}
