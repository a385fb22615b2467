package ready

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Condition is a condition to wait for: "ready" (also the empty text), "deleted", "condition=NAME[=VALUE]" or
// "jsonpath=EXPRESSION[=VALUE]", the last two as in kubectl wait.
type Condition struct {
	text string
	// holds reports whether the condition holds for a state of the object, nil when it does not exist, and describes
	// that state.
	holds func(*unstructured.Unstructured) (bool, string)
}

// ParseCondition parses a condition. The error says which conditions are possible.
func ParseCondition(text string) (Condition, error) {
	kind, rest, _ := strings.Cut(text, "=")
	switch {
	case text == "" || text == "ready":
		return Condition{"ready", isReadyObject}, nil
	case text == "deleted":
		return Condition{text, isDeleted}, nil
	case kind == "condition" && rest != "":
		name, value, found := strings.Cut(rest, "=")
		if !found {
			value = "True"
		}
		return Condition{text, func(o *unstructured.Unstructured) (bool, string) { return hasCondition(o, name, value) }}, nil
	case kind == "jsonpath" && rest != "":
		return jsonpathCondition(text, rest)
	}
	return Condition{}, fmt.Errorf("%q cannot be waited for; write ready, deleted, condition=NAME, or jsonpath={.path}=VALUE", text)
}

// WaitFor returns nil as soon as the condition holds for the object, given as KIND/NAME. changed is called with the
// object's state whenever that changes and the condition does not hold. The error is ctx's cause, or the server's.
func (r Waiter) WaitFor(ctx context.Context, namespace, object string, condition Condition, changed func(string)) error {
	o, resource, err := r.Client.Named(namespace, object)
	if err != nil {
		return err
	}
	client, err := r.Client.Dynamic()
	if err != nil {
		return err
	}
	last := ""
	return kube.WatchObject(ctx, client.Resource(resource).Namespace(o.GetNamespace()), o.GetName(), func(o *unstructured.Unstructured) bool {
		holds, instead := condition.holds(o)
		if !holds && instead != last {
			last = instead
			changed(instead)
		}
		return !holds
	})
}

const absent = "it does not exist yet"

func isReadyObject(o *unstructured.Unstructured) (bool, string) {
	if o == nil {
		return false, absent
	}
	v, reason := Options{}.ruleOf(o)(o)
	return v == Ready, reason
}

func isDeleted(o *unstructured.Unstructured) (bool, string) {
	if o == nil {
		return true, ""
	}
	if o.GetDeletionTimestamp() != nil {
		return false, "being deleted"
	}
	return false, "it exists"
}

func hasCondition(o *unstructured.Unstructured, name, value string) (bool, string) {
	if o == nil {
		return false, absent
	}
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		m, ok := c.(map[string]any)
		if !ok || !strings.EqualFold(fmt.Sprint(m["type"]), name) {
			continue
		}
		status := fmt.Sprint(m["status"])
		return strings.EqualFold(status, value), fmt.Sprintf("condition %s is %s", name, status)
	}
	return false, fmt.Sprintf("it has no condition %s", name)
}

func jsonpathCondition(text, rest string) (Condition, error) {
	expression, value := rest, ""
	if end := strings.LastIndex(rest, "}="); end >= 0 {
		expression, value = rest[:end+1], rest[end+2:]
	}
	relaxed, err := completePath(expression)
	if err != nil {
		return Condition{}, fmt.Errorf("%q: %w", text, err)
	}
	path := jsonpath.New("condition").AllowMissingKeys(true)
	if err := path.Parse(relaxed); err != nil {
		return Condition{}, fmt.Errorf("%q: %w", text, err)
	}
	return Condition{text, func(o *unstructured.Unstructured) (bool, string) {
		if o == nil {
			return false, absent
		}
		var got bytes.Buffer
		if err := path.Execute(&got, o.Object); err != nil {
			return false, err.Error()
		}
		if value == "" {
			return got.Len() > 0, "it has no " + expression
		}
		return got.String() == value, fmt.Sprintf("%s is %q", expression, got.String())
	}}, nil
}

// completePath returns a JSONPath with the braces and the dot that kubectl allows to omit (k8s.io/kubectl/pkg/cmd/get,
// whose import would double the start time).
func completePath(path string) (string, error) {
	inner := path
	if within, ok := strings.CutPrefix(path, "{"); ok {
		if inner, ok = strings.CutSuffix(within, "}"); !ok {
			inner = ""
		}
	}
	inner = strings.TrimPrefix(inner, ".")
	if inner == "" || strings.ContainsAny(inner, "{}") {
		return "", fmt.Errorf("%q is not a JSONPath; write it as {.status.phase}", path)
	}
	return "{." + inner + "}", nil
}
