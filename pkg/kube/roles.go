package kube

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// Roles returns YAML with a Role for these rights in the namespace, a ClusterRole for those without a namespace, and
// their bindings to the user, unless that is empty.
func Roles(name, namespace, user string, wanted []Access) (string, error) {
	var documents []any
	for _, cluster := range []bool{false, true} {
		rules := rules(slices.DeleteFunc(slices.Clone(wanted), func(a Access) bool { return a.Cluster != cluster }))
		if len(rules) == 0 {
			continue
		}
		kind, meta := "Role", map[string]any{"name": name, "namespace": namespace}
		if cluster {
			kind, meta = "ClusterRole", map[string]any{"name": name}
		}
		api := rbacv1.SchemeGroupVersion.String()
		documents = append(documents, map[string]any{"apiVersion": api, "kind": kind, "metadata": meta, "rules": rules})
		if user != "" {
			documents = append(documents, map[string]any{
				"apiVersion": api, "kind": kind + "Binding", "metadata": meta,
				"roleRef":  map[string]any{"apiGroup": rbacv1.GroupName, "kind": kind, "name": name},
				"subjects": []any{subject(user)},
			})
		}
	}
	texts := make([]string, len(documents))
	var failed []error
	for i, d := range documents {
		text, err := yaml.Marshal(d)
		failed = append(failed, err)
		texts[i] = string(text)
	}
	return strings.Join(texts, "---\n"), errors.Join(failed...)
}

// subject returns a user as bindings name it.
func subject(user string) map[string]any {
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, name, _ := strings.Cut(account, ":")
		return map[string]any{"kind": "ServiceAccount", "name": name, "namespace": namespace}
	}
	return map[string]any{"apiGroup": rbacv1.GroupName, "kind": "User", "name": user}
}

// verbOrder is the usual order of verbs in a Role.
var verbOrder = []string{"get", "list", "watch", "create", "update", "patch", "delete"}

// rules returns one rule for all resources of a group with the same verbs, sorted.
func rules(wanted []Access) []map[string]any {
	verbs := map[[2]string][]string{}
	for _, a := range wanted {
		key := [2]string{a.Group, a.Resource}
		if !slices.Contains(verbs[key], a.Verb) {
			verbs[key] = append(verbs[key], a.Verb)
		}
	}
	type rule struct{ group, verbs string }
	resources := map[rule][]string{}
	for key, v := range verbs {
		slices.SortFunc(v, func(a, b string) int { return slices.Index(verbOrder, a) - slices.Index(verbOrder, b) })
		r := rule{key[0], strings.Join(v, " ")}
		resources[r] = append(resources[r], key[1])
	}
	keys := make([]rule, 0, len(resources))
	for r := range resources {
		slices.Sort(resources[r])
		keys = append(keys, r)
	}
	slices.SortFunc(keys, func(a, b rule) int {
		return cmp.Or(strings.Compare(a.group, b.group), strings.Compare(fmt.Sprint(resources[a]), fmt.Sprint(resources[b])))
	})
	all := make([]map[string]any, 0, len(keys))
	for _, r := range keys {
		all = append(all, map[string]any{"apiGroups": []string{r.group}, "resources": resources[r], "verbs": strings.Fields(r.verbs)})
	}
	return all
}
