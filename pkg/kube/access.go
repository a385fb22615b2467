package kube

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Access is a right to do something with the objects of one resource.
type Access struct {
	Verb, Group string
	// Resource is the plural name, with a subresource after a slash, such as "pods/exec".
	Resource string
	// Cluster reports that the objects belong to no namespace.
	Cluster bool
	// Optional reports that a run works without it, with a note or with less output.
	Optional bool
}

// String returns the verb and the resource, such as "create pods/exec" or "get deployments.apps".
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

// parallelReviews is the number of parallel requests.
const parallelReviews = 16

// Missing returns the wanted rights that the user lacks in the namespace, in their order. It asks the server with
// SelfSubjectAccessReviews, which change nothing. The error is the server's.
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

// AccessTo returns the rights to do these things with an object. The error is a meta.NoKindMatchError when the cluster
// does not have the kind.
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

// Self returns the user of the connection; the zero value when the server does not tell it.
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
