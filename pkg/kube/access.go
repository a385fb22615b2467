package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Access is something that is done with objects of one kind.
type Access struct {
	Verb, Group string
	// Resource is the plural name, with a subresource after a slash, as in "pods/exec".
	Resource string
	// Cluster reports that the objects belong to no namespace.
	Cluster bool
	// Optional reports that a run goes on without it, with a note or with less to show.
	Optional bool
}

// String returns the verb and the resource, as "create pods/exec" or "get deployments.apps".
func (a Access) String() string {
	name, sub, has := strings.Cut(a.Resource, "/")
	if a.Group != "" {
		name += "." + a.Group
	}
	if has {
		name += "/" + sub
	}
	return a.Verb + " " + name
}

// parallelReviews is how many questions are asked at the same time.
const parallelReviews = 16

// Missing returns what of the wanted the user may not do in the namespace, in their order. It asks with
// SelfSubjectAccessReviews, which change nothing.
func (c *Client) Missing(ctx context.Context, namespace string, wanted []Access) ([]Access, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	denied := make([]bool, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReviews)
	for i, w := range wanted {
		group.Go(func() error {
			resource, sub, _ := strings.Cut(w.Resource, "/")
			asked := &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: w.Verb, Group: w.Group, Resource: resource, Subresource: sub}
			if w.Cluster {
				asked.Namespace = ""
			}
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: asked}}
			answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			denied[i] = !answer.Status.Allowed
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var missing []Access
	for i, w := range wanted {
		if denied[i] {
			missing = append(missing, w)
		}
	}
	return missing, nil
}

// AccessTo returns what it takes to apply an object; the error is of a kind that the cluster does not know.
func (c *Client) AccessTo(o *unstructured.Unstructured, verbs ...string) ([]Access, error) {
	kind := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	all := make([]Access, 0, len(verbs))
	for _, verb := range verbs {
		all = append(all, Access{Verb: verb, Group: mapping.Resource.Group, Resource: mapping.Resource.Resource, Cluster: mapping.Scope.Name() != "namespace"})
	}
	return all, nil
}

// Self returns the user as whom the requests come; the zero value when the server does not tell.
func (c *Client) Self(ctx context.Context) authenticationv1.UserInfo {
	client, err := c.Interface()
	if err != nil {
		return authenticationv1.UserInfo{}
	}
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.UserInfo{}
	}
	return review.Status.UserInfo
}

// Roles returns YAML, ready to be applied, of a Role with these rights in the namespace, a ClusterRole
// when some are about objects of no namespace, and their bindings to the user, when one is known.
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

// subject is a user as bindings name it.
func subject(user string) map[string]any {
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, name, _ := strings.Cut(account, ":")
		return map[string]any{"kind": "ServiceAccount", "name": name, "namespace": namespace}
	}
	return map[string]any{"apiGroup": rbacv1.GroupName, "kind": "User", "name": user}
}

// verbOrder is how people write verbs.
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
