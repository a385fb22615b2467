package lagoon

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// looseString is a string, number or boolean as text.
type looseString string

// UnmarshalJSON implements json.Unmarshaler.
func (l *looseString) UnmarshalJSON(text []byte) error {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		*l = ""
	case string, json.Number, bool:
		*l = looseString(fmt.Sprint(v))
	default:
		return fmt.Errorf("%s is not a single value", text)
	}
	return nil
}

// yes reports whether it is true in any of the forms that versions of Lagoon wrote.
func (l looseString) yes() bool { return l == "true" || l == "1" }

// number returns the text; "" for 0.
func (l looseString) number() string {
	if l == "0" {
		return ""
	}
	return string(l)
}
