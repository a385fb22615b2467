package lagoon

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/scanner"
)

// toCEL returns a condition as CEL over string parameters, and the names of the parameters. The error is an
// expression that has no simple form in CEL. Comparisons between types become comparisons of strings.
func toCEL(expression string) (text string, params []string, err error) {
	if _, err := (&condition{}).parse(expression); err != nil {
		return "", nil, err
	}
	t := translator{params: map[string]bool{}}
	t.scanner.Init(strings.NewReader(expression))
	t.scanner.Mode = scanner.GoTokens
	t.scanner.Error = func(*scanner.Scanner, string) {}
	t.next()
	text, err = t.or()
	if err == nil && t.token != scanner.EOF {
		err = t.unexpected()
	}
	return text, slices.Sorted(maps.Keys(t.params)), err
}

// translator is a recursive descent parser of a subset of gval's language.
type translator struct {
	scanner scanner.Scanner
	token   rune
	text    string
	params  map[string]bool
}

// next reads a token. An operator of two characters is one token.
func (t *translator) next() {
	t.token = t.scanner.Scan()
	t.text = t.scanner.TokenText()
	for _, op := range []string{"==", "!=", "=~", "!~", "&&", "||"} {
		if t.text == op[:1] && t.scanner.Peek() == rune(op[1]) {
			t.scanner.Next()
			t.text = op
			return
		}
	}
}

func (t *translator) unexpected() error {
	if t.token == scanner.EOF {
		return errors.New("it ends too early")
	}
	return fmt.Errorf("%q is not translated", t.text)
}

func (t *translator) take(text string) error {
	if t.text != text {
		return t.unexpected()
	}
	t.next()
	return nil
}

func (t *translator) or() (string, error) { return t.chain("||", t.and) }

func (t *translator) and() (string, error) { return t.chain("&&", t.unary) }

// chain reads operands with an operator between them.
func (t *translator) chain(operator string, part func() (string, error)) (string, error) {
	text, err := part()
	for err == nil && t.text == operator {
		t.next()
		var more string
		more, err = part()
		text += " " + operator + " " + more
	}
	return text, err
}

// unary reads a negation, a group, a call of exists or a comparison.
func (t *translator) unary() (string, error) {
	switch t.text {
	case "!":
		t.next()
		if t.text == "(" {
			text, err := t.unary()
			return "!" + text, err
		}
		text, err := t.unary()
		return "!(" + text + ")", err
	case "(":
		t.next()
		text, err := t.or()
		if err == nil {
			err = t.take(")")
		}
		return "(" + text + ")", err
	case "exists":
		t.next()
		name, err := t.argument(")")
		return fmt.Sprintf("params.%s != \"\"", name), err
	}
	return t.comparison()
}

// argument reads an open parenthesis, a name in a string, and the token end.
func (t *translator) argument(end string) (string, error) {
	if err := t.take("("); err != nil {
		return "", err
	}
	name, err := strconv.Unquote(t.text)
	if err != nil || !shellName.MatchString(name) {
		return "", t.unexpected()
	}
	t.params[name] = true
	t.next()
	return name, t.take(end)
}

func (t *translator) comparison() (string, error) {
	left, err := t.value()
	if err != nil {
		return "", err
	}
	operator := t.text
	switch operator {
	case "==", "!=":
		t.next()
		right, err := t.value()
		return left + " " + operator + " " + right, err
	case "=~", "!~":
		t.next()
		right, err := t.value()
		text := fmt.Sprintf("%s.matches(%s)", left, right)
		if operator == "!~" {
			text = "!" + text
		}
		return text, err
	case "in":
		t.next()
		list, err := t.list()
		return left + " in " + list, err
	}
	return "", t.unexpected()
}

func (t *translator) list() (string, error) {
	if err := t.take("["); err != nil {
		return "", err
	}
	var values []string
	for {
		v, err := t.value()
		if err != nil {
			return "", err
		}
		values = append(values, v)
		if t.text != "," {
			return "[" + strings.Join(values, ", ") + "]", t.take("]")
		}
		t.next()
	}
}

// value reads a variable or a literal as a string.
func (t *translator) value() (string, error) {
	text := t.text
	switch {
	case text == "withDefault":
		t.next()
		name, err := t.argument(",")
		if err != nil {
			return "", err
		}
		other, err := t.value()
		if err == nil {
			err = t.take(")")
		}
		return fmt.Sprintf("(params.%s != \"\" ? params.%s : %s)", name, name, other), err
	case t.token == scanner.String, t.token == scanner.RawString, t.token == scanner.Char:
		literal, err := strconv.Unquote(text)
		if err != nil {
			return "", t.unexpected()
		}
		t.next()
		return strconv.Quote(literal), nil
	case t.token == scanner.Int, t.token == scanner.Float, text == "true", text == "false":
		t.next()
		return strconv.Quote(text), nil
	case t.token == scanner.Ident && shellName.MatchString(text):
		t.next()
		t.params[text] = true
		return "params." + text, nil
	}
	return "", t.unexpected()
}
