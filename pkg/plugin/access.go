package plugin

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// rights collects what is done with objects of the cluster.
type rights []kube.Access

func (r *rights) add(optional bool, group, resource string, verbs ...string) {
	for _, verb := range verbs {
		*r = append(*r, kube.Access{Verb: verb, Group: group, Resource: resource, Optional: optional})
	}
}

const (
	needed    = false
	dispensed = true
)

// rightsOf returns what a plan's steps do with objects of the cluster, and what the run does that is
// recorded at that place.
func rightsOf(p plan.Plan, place string) rights {
	var r rights
	if len(p.Tasks()) > 0 && place != recordNone {
		optional := place != recordCluster
		r.add(optional, "coordination.k8s.io", "leases", "get", "create", "update", "delete")
		r.add(dispensed, "coordination.k8s.io", "leases", "watch")
		if place != recordLocal {
			r.add(optional, "", "secrets", "get", "create", "update")
			r.add(dispensed, "", "secrets", "list", "delete")
		}
	}
	for _, s := range p.Steps {
		switch {
		case s.Kind == plan.Apply, s.Kind == plan.Delete, s.Kind == plan.RollBack:
			if storage := helmStorage(os.Getenv("HELM_DRIVER")); storage != "" {
				r.add(needed, "", storage, "get", "list", "create", "update", "delete")
			}
		case s.Task != nil && s.Task.Skip == "":
			r.addTask(s.Task.Executor)
		}
	}
	return r.unique()
}

// helmStorage is what Helm keeps releases in; empty when that is not in the cluster.
func helmStorage(driver string) string {
	switch driver {
	case "", "secret", "secrets":
		return "secrets"
	case "configmap", "configmaps":
		return "configmaps"
	}
	return ""
}

// addTask adds what a task's executor does.
func (r *rights) addTask(executor task.Executor) {
	switch e := executor.(type) {
	case task.Exec:
		r.addExec()
		r.addWorkload(e.Target)
		if e.Scale {
			r.add(dispensed, "apps", scaleOf(e.Target), "get", "update", "patch")
		}
	case task.Service:
		r.addExec()
		r.add(needed, "apps", "deployments", "list")
		r.add(dispensed, "apps", "statefulsets", "list")
		r.add(dispensed, "apps", "daemonsets", "list")
		r.add(dispensed, "apps", "deployments/scale", "get", "update", "patch")
	case task.Pod, task.Function, task.Advanced:
		r.addPods()
	case task.Job:
		r.addJobs()
	case task.Keptn:
		r.addJobs()
		r.add(dispensed, "", "configmaps", "create", "delete")
	case task.Clone:
		r.addPods()
		r.addWorkload(e.From)
		r.add(dispensed, "", "persistentvolumeclaims", "get")
		if e.Next {
			r.add(dispensed, "", "configmaps", "get", "create")
			r.add(dispensed, "batch", "jobs", "get", "create", "list", "watch", "delete")
		}
	case task.Standard:
		r.addPods()
		r.add(needed, "apps", "deployments", "list")
		r.add(dispensed, "apps", "statefulsets", "list")
		r.add(dispensed, "", "persistentvolumeclaims", "get")
	case task.Wait:
		if group, resource, ok := known(e.Object); ok {
			r.add(needed, group, resource, "get", "list", "watch")
		}
	case task.Host, task.Approve, task.Evaluation:
	}
}

func (r *rights) addExec() {
	r.add(needed, "", "pods", "get", "list")
	r.add(needed, "", "pods/exec", "create")
	// Without it the older way is taken, which some servers and proxies no longer have.
	r.add(dispensed, "", "pods/exec", "get")
	r.addSecrets()
}

func (r *rights) addPods() {
	r.add(needed, "", "pods", "get", "list", "watch", "create", "delete")
	r.add(dispensed, "", "pods/log", "get")
	r.add(dispensed, "", "events", "list", "watch")
	r.add(dispensed, "", "namespaces", "get")
	r.addSecrets()
}

// addSecrets is for taking the values of Secrets that a task uses out of what is shown.
func (r *rights) addSecrets() { r.add(dispensed, "", "secrets", "get") }

func (r *rights) addJobs() {
	r.addPods()
	r.add(needed, "batch", "jobs", "get", "list", "watch", "create", "delete")
}

// addWorkload adds what it takes to find the pods, or the pod template, of KIND/NAME.
func (r *rights) addWorkload(name string) {
	group, resource, ok := known(name)
	if !ok {
		return
	}
	r.add(needed, group, resource, "get")
	switch resource {
	case "deployments":
		r.add(needed, "apps", "replicasets", "list")
	case "daemonsets":
		r.add(needed, "apps", "controllerrevisions", "list")
	}
}

// kinds are those that tasks name most; others are left to the task itself.
var kinds = map[string][2]string{
	"deployment": {"apps", "deployments"}, "deploy": {"apps", "deployments"},
	"statefulset": {"apps", "statefulsets"}, "sts": {"apps", "statefulsets"},
	"daemonset": {"apps", "daemonsets"}, "ds": {"apps", "daemonsets"},
	"replicaset": {"apps", "replicasets"}, "rs": {"apps", "replicasets"},
	"service": {"", "services"}, "svc": {"", "services"},
	"pod": {"", "pods"}, "po": {"", "pods"},
	"job": {"batch", "jobs"}, "cronjob": {"batch", "cronjobs"}, "cj": {"batch", "cronjobs"},
	"configmap": {"", "configmaps"}, "cm": {"", "configmaps"}, "secret": {"", "secrets"},
	"persistentvolumeclaim": {"", "persistentvolumeclaims"}, "pvc": {"", "persistentvolumeclaims"},
}

// known returns the group and the resource of KIND/NAME.
func known(name string) (group, resource string, ok bool) {
	kind, _, _ := strings.Cut(strings.ToLower(name), "/")
	found, ok := kinds[kind]
	if !ok {
		found, ok = kinds[strings.TrimSuffix(kind, "s")]
	}
	return found[0], found[1], ok
}

func scaleOf(target string) string {
	if _, resource, ok := known(target); ok {
		return resource + "/scale"
	}
	return "deployments/scale"
}

// unique returns each right once; what is needed somewhere is not dispensed with.
func (r rights) unique() rights {
	at := map[kube.Access]int{}
	var all rights
	for _, a := range r {
		key := a
		key.Optional = false
		if i, has := at[key]; has {
			all[i].Optional = all[i].Optional && a.Optional
			continue
		}
		at[key] = len(all)
		all = append(all, a)
	}
	return all
}

// addObjects adds what Helm does with the objects that it is going to apply. Kinds that the cluster does
// not know are Helm's to complain about.
func (r rights) addObjects(client *kube.Client, objects []*unstructured.Unstructured) rights {
	type use struct {
		kind  schema.GroupVersionKind
		waits bool
	}
	seen := map[use]bool{}
	for _, o := range objects {
		if u := (use{o.GroupVersionKind(), kube.IsWaitedFor(o)}); !seen[u] {
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
	return r.unique()
}

// roleName is that of the Role that a run would need.
func roleName(p plan.Plan) string {
	if p.Release.Name == "" {
		return "kubectl-tasks"
	}
	return "kubectl-tasks-" + p.Release.Name
}

// allowed returns an error when the user lacks a right that the run needs, with the Role that has what
// is missing. Nothing has been touched then. Where the server does not answer such questions, there is
// nothing to say.
func (a *App) allowed(ctx context.Context, client *kube.Client, p plan.Plan, wanted rights) error {
	asked := slices.DeleteFunc(slices.Clone(wanted), func(a kube.Access) bool { return a.Optional })
	if len(asked) == 0 {
		return nil
	}
	missing, err := client.Missing(ctx, p.Release.Namespace, asked)
	if err != nil || len(missing) == 0 {
		return ctx.Err() //nolint:nilerr // the run itself finds out
	}
	names := make([]string, len(missing))
	for i, m := range missing {
		names[i] = m.String()
	}
	user := client.Self(ctx).Username
	// A name of its own, so that it takes nothing away from a Role that is there.
	role, err := kube.Roles(roleName(p)+"-missing", p.Release.Namespace, user, missing)
	if err != nil {
		return err
	}
	return refusedError{fmt.Sprintf("%s may not %s in namespace %q, and the run needs it; nothing was touched\nhint: someone with the right to do so can apply this:\n%s", who(user), strings.Join(names, ", "), p.Release.Namespace, role)}
}

func who(user string) string {
	if user == "" {
		return "the user"
	}
	return fmt.Sprintf("%q", user)
}

// showRoles writes the Roles that let somebody do what was planned.
func (a *App) showRoles(ctx context.Context, t *taskFlags, p plan.Plan, client *kube.Client, next func() ([]*unstructured.Unstructured, error)) error {
	wanted := rightsOf(p, t.record.place)
	if next != nil {
		objects, err := next()
		if err != nil {
			return err
		}
		wanted = wanted.addObjects(client, objects)
	}
	roles, err := kube.Roles(roleName(p), p.Release.Namespace, "", wanted)
	if err != nil {
		return err
	}
	fmt.Fprint(a.Out, roles)
	return ctx.Err()
}
