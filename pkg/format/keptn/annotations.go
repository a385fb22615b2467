package keptn

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The annotations and labels with which workloads ask for tasks (spec keptn.md § 3.3).
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

// fallbacks are Kubernetes' own labels with the same meaning.
var fallbacks = map[string]string{
	workloadKey: "app.kubernetes.io/name", versionKey: "app.kubernetes.io/version", appKey: "app.kubernetes.io/part-of",
}

// findKey returns the value of the annotation, else of the label, else of the annotation or label of the fallback.
func findKey(o *metav1.ObjectMeta, key string) string {
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

// annotatedWorkload is a workload as Keptn sees it.
type annotatedWorkload struct {
	// of is the workload, such as "deployment/web".
	of                 string
	name, app, version string
	pre, post          []string
	preEvaluations     []string
	postEvaluations    []string
	metadata           map[string]string
	// untrimmed are the names with leading or trailing spaces.
	untrimmed []string
}

// resource returns Keptn's name of the workload.
func (w *annotatedWorkload) resource() string { return w.app + "-" + w.name }

// wire returns the tasks of a workload; false when it is not annotated. The annotations are those of the pod
// template, or those of the workload itself when the template names no workload.
func (w *workload) wire() (annotatedWorkload, bool) {
	meta := &w.Spec.Template.ObjectMeta
	if findKey(meta, workloadKey) == "" {
		meta = &w.Metadata
	}
	found := annotatedWorkload{of: strings.ToLower(w.Kind) + "/" + w.Metadata.Name, name: findKey(meta, workloadKey), app: findKey(meta, appKey)}
	if found.name == "" {
		return found, false
	}
	if found.app == "" {
		found.app = found.name
	}
	found.version = strings.ToLower(findKey(meta, versionKey))
	if found.version == "" {
		found.version = strings.ToLower(w.calculated(findKey(meta, containerKey)))
	}
	for _, list := range []struct {
		key  string
		into *[]string
	}{{preTasksKey, &found.pre}, {postTasksKey, &found.post}, {preEvaluationsKey, &found.preEvaluations}, {postEvaluationsKey, &found.postEvaluations}} {
		*list.into = found.split(findKey(meta, list.key))
	}
	found.metadata = parsePairs(findKey(meta, metadataKey))
	return found, true
}

// split returns the trimmed names of a list. Keptn itself does not trim them.
func (w *annotatedWorkload) split(list string) []string {
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

// parsePairs parses k=v,k2=v2. Entries without exactly one "=" are ignored, as in Keptn.
func parsePairs(text string) map[string]string {
	all := map[string]string{}
	for entry := range strings.SplitSeq(text, ",") {
		if parts := strings.Split(entry, "="); len(parts) == 2 {
			all[strings.TrimSpace(parts[0])] = strings.TrimSpace(parts[1])
		}
	}
	return all
}

// calculated returns the version of a workload without a version: the tag of the container's image, else a hash of
// the names, images and environments of all containers.
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

// mergeMaps returns the entries of both maps, nil when there are none. b overrides a.
func mergeMaps(a, b map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	if len(all) == 0 {
		return nil
	}
	return all
}

// sortedKeys returns the sorted keys of a map.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
