package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
)

// RightsOf returns the access to the cluster that a plan needs, with that for its record and, when it has steps of
// Helm's, for Helm's storage. helmDriver is the value of HELM_DRIVER.
func RightsOf(p plan.Plan, place record.Place, helmDriver string) runner.Rights {
	var r runner.Rights
	if len(p.Tasks()) > 0 {
		r = recordRights(place)
	}
	for _, s := range p.Steps {
		switch {
		case s.Kind == plan.Apply, s.Kind == plan.Delete, s.Kind == plan.RollBack:
			if storage := helmStorage(helmDriver); storage != "" {
				r.Require("", storage, "get", "list", "create", "update", "delete")
			}
		case s.Task != nil && s.Task.Skip == "":
			if executor, ok := runner.Of(s.Task.Executor); ok && executor.Rights != nil {
				r = append(r, executor.Rights(s.Task.Executor)...)
			}
		}
	}
	return r.Unique()
}

// recordRights returns the access that the record and the lock of a run need.
func recordRights(place record.Place) runner.Rights {
	var r runner.Rights
	add := r.Prefer
	if place == record.Cluster {
		add = r.Require
	}
	if place == record.None {
		return nil
	}
	add("coordination.k8s.io", "leases", "get", "create", "update", "delete")
	r.Prefer("coordination.k8s.io", "leases", "watch")
	if place != record.Local {
		add("", "secrets", "get", "create", "update")
		r.Prefer("", "secrets", "list", "delete")
	}
	return r
}

// helmStorage returns the resource in which Helm keeps releases; empty when that is not in the cluster.
func helmStorage(driver string) string {
	switch driver {
	case "", "secret", "secrets":
		return "secrets"
	case "configmap", "configmaps":
		return "configmaps"
	}
	return ""
}

// WithObjects returns the rights with the access that Helm needs for the objects that it is going to apply. Kinds that
// the cluster does not know are left to Helm's own check.
func WithObjects(r runner.Rights, client *kube.Client, objects []*unstructured.Unstructured) runner.Rights {
	type use struct {
		kind  schema.GroupVersionKind
		waits bool
	}
	seen := map[use]bool{}
	for _, o := range objects {
		if u := (use{o.GroupVersionKind(), ready.IsWaitedFor(o)}); !seen[u] {
			seen[u] = true
			verbs := []string{"get", "create", "patch", "delete"}
			if u.waits {
				verbs = append(verbs, "list", "watch")
			}
			if all, err := client.AccessTo(o, verbs...); err == nil {
				r = append(r, all...)
			}
		}
	}
	return r.Unique()
}

// Allowed returns a RefusedError when the user lacks a right that the run requires, with a Role that grants the
// missing rights. It returns nil when the server does not answer such questions.
func Allowed(ctx context.Context, client *kube.Client, p plan.Plan, wanted runner.Rights) error {
	required := slices.DeleteFunc(slices.Clone(wanted), func(a kube.Access) bool { return a.Optional })
	if len(required) == 0 {
		return nil
	}
	missing, err := client.Missing(ctx, p.Release.Namespace, required)
	if err != nil || len(missing) == 0 {
		return ctx.Err() //nolint:nilerr // the run itself finds out
	}
	names := make([]string, len(missing))
	for i, m := range missing {
		names[i] = m.String()
	}
	user := client.Self(ctx).Username
	// The Role has a name of its own, so that it does not replace an existing one with more rights.
	role, err := kube.Roles(roleName(p)+"-missing", p.Release.Namespace, user, missing)
	if err != nil {
		return err
	}
	return RefusedError{fmt.Sprintf("%s cannot %s in namespace %q, and the run requires it; nothing was changed\nhint: a user with the right to create Roles can apply this:\n%s", userName(user), strings.Join(names, ", "), p.Release.Namespace, role)}
}

// userName returns how a user is called in messages.
func userName(user string) string {
	if user == "" {
		return "the user"
	}
	return fmt.Sprintf("%q", user)
}

// Roles returns the Roles, as YAML documents, with the rights that a plan needs.
func Roles(p plan.Plan, wanted runner.Rights) (string, error) {
	return kube.Roles(roleName(p), p.Release.Namespace, "", wanted)
}

// roleName returns the name of the Role for a plan.
func roleName(p plan.Plan) string {
	if p.Release.Name == "" {
		return "kubectl-tasks"
	}
	return "kubectl-tasks-" + p.Release.Name
}
