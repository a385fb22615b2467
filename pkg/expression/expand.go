package expression

import (
	"fmt"
	"strings"
)

// Expand replaces each ${EXPRESSION} of the text by its value; $${ stands for the text ${. A value that is not a string is
// written as JSON.
func Expand(text string, facts Facts) (string, error) {
	var b strings.Builder
	err := split(text, func(s string) error {
		b.WriteString(s)
		return nil
	}, func(expression string) error {
		value, err := evaluate(expression, facts)
		if err != nil {
			return err
		}
		shown, err := toText(value)
		b.WriteString(shown)
		return err
	})
	if err != nil {
		return "", err
	}
	return b.String(), nil
}

// split splits a text into plain parts and expressions.
func split(text string, plain, expression func(string) error) error {
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			return plain(text)
		}
		if strings.HasSuffix(before, "$") {
			if err := plain(before[:len(before)-1] + "${"); err != nil {
				return err
			}
			text = rest
			continue
		}
		end := closing(rest)
		if end < 0 {
			return fmt.Errorf("${%s is not closed; write $${ for a literal ${", rest)
		}
		if err := plain(before); err != nil {
			return err
		}
		if err := expression(rest[:end]); err != nil {
			return fmt.Errorf("%w; for the literal text write $${%s}", err, rest[:end])
		}
		text = rest[end+1:]
	}
}

// closing returns the index of the brace that ends an expression, after strings and inner braces; -1 when there is none.
func closing(text string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth == 0:
			return i
		case c == '}':
			depth--
		}
	}
	return -1
}
