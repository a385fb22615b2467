package runner

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Rights is a list of accesses to objects of the cluster.
type Rights []kube.Access

// Require adds verbs without which a run fails.
func (r *Rights) Require(group, resource string, verbs ...string) {
	r.add(false, group, resource, verbs)
}

// Prefer adds verbs without which a run continues, with a note or with less to show.
func (r *Rights) Prefer(group, resource string, verbs ...string) { r.add(true, group, resource, verbs) }

func (r *Rights) add(optional bool, group, resource string, verbs []string) {
	for _, verb := range verbs {
		*r = append(*r, kube.Access{Verb: verb, Group: group, Resource: resource, Optional: optional})
	}
}

// Unique returns each access once; one that is required somewhere is not optional.
func (r Rights) Unique() Rights {
	at := map[kube.Access]int{}
	var all Rights
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

func execRights(executor task.Executor) Rights {
	e := executor.(task.Exec)
	var r Rights
	r.exec()
	r.workload(e.Target)
	if e.Scale {
		r.Prefer("apps", scaleOf(e.Target), "get", "update", "patch")
	}
	return r
}

func serviceRights(task.Executor) Rights {
	var r Rights
	r.exec()
	r.Require("apps", "deployments", "list")
	r.Prefer("apps", "statefulsets", "list")
	r.Prefer("apps", "daemonsets", "list")
	r.Prefer("apps", "deployments/scale", "get", "update", "patch")
	return r
}

func podRights(task.Executor) Rights {
	var r Rights
	r.Require("", "pods", "get", "list", "watch", "create", "delete")
	r.Prefer("", "pods/log", "get")
	r.Prefer("", "events", "list", "watch")
	r.Prefer("", "namespaces", "get")
	r.secrets()
	return r
}

func jobRights(e task.Executor) Rights {
	r := podRights(e)
	r.Require("batch", "jobs", "get", "list", "watch", "create", "delete")
	return r
}

func keptnRights(e task.Executor) Rights {
	r := jobRights(e)
	r.Prefer("", "configmaps", "create", "delete")
	return r
}

func cloneRights(executor task.Executor) Rights {
	e := executor.(task.Clone)
	r := podRights(e)
	r.workload(e.From)
	r.Prefer("", "persistentvolumeclaims", "get")
	if e.Next {
		r.Prefer("", "configmaps", "get", "create")
		r.Prefer("batch", "jobs", "get", "create", "list", "watch", "delete")
	}
	return r
}

func standardRights(e task.Executor) Rights {
	r := podRights(e)
	r.Require("apps", "deployments", "list")
	r.Prefer("apps", "statefulsets", "list")
	r.Prefer("", "persistentvolumeclaims", "get")
	return r
}

func waitRights(e task.Executor) Rights {
	var r Rights
	if known, ok := kube.KnownResource(e.(task.Wait).Object); ok {
		r.Require(known.Group, known.Resource, "get", "list", "watch")
	}
	return r
}

// exec adds the rights for running a program in a pod.
func (r *Rights) exec() {
	r.Require("", "pods", "get", "list")
	r.Require("", "pods/exec", "create")
	// Without it exec uses SPDY, which some servers and proxies no longer have.
	r.Prefer("", "pods/exec", "get")
	r.secrets()
}

// secrets adds the right for masking the values of Secrets that a task uses.
func (r *Rights) secrets() { r.Prefer("", "secrets", "get") }

// workload adds the rights for finding the pods, or the pod template, of KIND/NAME.
func (r *Rights) workload(name string) {
	known, ok := kube.KnownResource(name)
	if !ok {
		return
	}
	r.Require(known.Group, known.Resource, "get")
	switch known.Resource {
	case "deployments":
		r.Require("apps", "replicasets", "list")
	case "daemonsets":
		r.Require("apps", "controllerrevisions", "list")
	}
}

// scaleOf returns the resource that scales KIND/NAME.
func scaleOf(target string) string {
	if known, ok := kube.KnownResource(target); ok {
		return known.Resource + "/scale"
	}
	return "deployments/scale"
}
