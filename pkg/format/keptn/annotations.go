package keptn

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The keys by which workloads are wired to tasks (spec keptn.md § 3.3).
const (
	workloadKey        = "keptn.sh/workload"
	versionKey         = "keptn.sh/version"
	appKey             = "keptn.sh/app"
	preTasksKey        = "keptn.sh/pre-deployment-tasks"
	postTasksKey       = "keptn.sh/post-deployment-tasks"
	preEvaluationsKey  = "keptn.sh/pre-deployment-evaluations"
	postEvaluationsKey = "keptn.sh/post-deployment-evaluations"
	metadataKey        = "keptn.sh/metadata"
	containerKey       = "keptn.sh/container"
)

// fallbacks are Kubernetes' own labels for the same.
var fallbacks = map[string]string{
	workloadKey: "app.kubernetes.io/name", versionKey: "app.kubernetes.io/version", appKey: "app.kubernetes.io/part-of",
}

// find returns the value of a key: of the annotation, else of the label, else of the fallback's
// annotation or label.
func find(o *metav1.ObjectMeta, key string) string {
	for _, k := range []string{key, fallbacks[key]} {
		if k == "" {
			continue
		}
		for _, in := range []map[string]string{o.Annotations, o.Labels} {
			if v := in[k]; v != "" {
				return v
			}
		}
	}
	return ""
}

// wired is a workload as Keptn sees it.
type wired struct {
	// of is the workload, such as "deployment/web".
	of                 string
	name, app, version string
	pre, post          []string
	preEvaluations     []string
	postEvaluations    []string
	metadata           map[string]string
	// untrimmed are names in lists that have spaces around them.
	untrimmed []string
}

// resource is how Keptn calls the workload of an app.
func (w *wired) resource() string { return w.app + "-" + w.name }

// wire returns what Keptn knows of a workload; false when it is not Keptn's. The pod template tells, or
// the workload itself when the template names none.
func (w *workload) wire() (wired, bool) {
	meta := &w.Spec.Template.ObjectMeta
	if find(meta, workloadKey) == "" {
		meta = &w.Metadata
	}
	found := wired{of: strings.ToLower(w.Kind) + "/" + w.Metadata.Name, name: find(meta, workloadKey), app: find(meta, appKey)}
	if found.name == "" {
		return found, false
	}
	if found.app == "" {
		found.app = found.name
	}
	found.version = strings.ToLower(find(meta, versionKey))
	if found.version == "" {
		found.version = strings.ToLower(w.calculated(find(meta, containerKey)))
	}
	for _, list := range []struct {
		key  string
		into *[]string
	}{{preTasksKey, &found.pre}, {postTasksKey, &found.post}, {preEvaluationsKey, &found.preEvaluations}, {postEvaluationsKey, &found.postEvaluations}} {
		*list.into = found.split(find(meta, list.key))
	}
	found.metadata = pairs(find(meta, metadataKey))
	return found, true
}

// split returns the names of a list. Keptn itself does not trim them.
func (w *wired) split(list string) []string {
	var names []string
	if list == "" {
		return nil
	}
	for part := range strings.SplitSeq(list, ",") {
		name := strings.TrimSpace(part)
		if name != part {
			w.untrimmed = append(w.untrimmed, part)
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// pairs reads k=v,k2=v2; entries without exactly one "=" are dropped, as by Keptn.
func pairs(text string) map[string]string {
	all := map[string]string{}
	for entry := range strings.SplitSeq(text, ",") {
		if parts := strings.Split(entry, "="); len(parts) == 2 {
			all[strings.TrimSpace(parts[0])] = strings.TrimSpace(parts[1])
		}
	}
	return all
}

// calculated returns the version of a workload that names none: the tag of the named container's
// image, else a sum over the containers' names, images and environments.
func (w *workload) calculated(container string) string {
	containers := w.Spec.Template.Spec.Containers
	for _, c := range containers {
		if c.Name != container {
			continue
		}
		parts := strings.Split(c.Image, ":")
		if tag := parts[len(parts)-1]; len(parts) > 1 && tag != "" && tag != "latest" {
			return tag
		}
	}
	var text strings.Builder
	for _, c := range containers {
		text.WriteString(c.Name + c.Image)
		for _, e := range c.Env {
			text.WriteString(e.Name + e.Value)
		}
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(text.String())) // never fails
	return fmt.Sprint(sum.Sum32())
}

// union returns a with b on top.
func union(a, b map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	if len(all) == 0 {
		return nil
	}
	return all
}

// sorted returns the names of a map, sorted.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
