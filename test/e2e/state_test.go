//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

var (
	// uids are labels of what a Job makes.
	uids = []string{"controller-uid", "batch.kubernetes.io/controller-uid"}
	// reasons are how a failure is worded, which is our own.
	reasons = regexp.MustCompile(`((?:failed (?:pre|post)-\w+|hooks failed)): [\s\S]*`)
)

// clusterState is what a namespace holds.
type clusterState struct {
	// objects are all objects, each as text, without what is another one each time. Those of recorded runs, and those
	// that are being deleted, are none of them.
	objects map[string]string
	// count is how many objects there are, those of recorded runs and what is being deleted among them.
	count int
	// revisions are the stored ones of all releases, in no order.
	revisions []storedRelease
}

// last returns the newest revision; nil when there is none.
func (s clusterState) last() *storedRelease {
	var last *storedRelease
	for i, r := range s.revisions {
		if last == nil || r.Version > last.Version {
			last = &s.revisions[i]
		}
	}
	return last
}

// revision returns a stored revision; nil when there is none.
func (s clusterState) revision(number int) *storedRelease {
	i := slices.IndexFunc(s.revisions, func(r storedRelease) bool { return r.Version == number })
	if i < 0 {
		return nil
	}
	return &s.revisions[i]
}

// stateOf returns what the namespace holds.
func stateOf(ctx context.Context, cluster kubernetes.Interface, ns string) (clusterState, error) {
	s := clusterState{objects: map[string]string{}}
	add := func(kind string, meta metav1.ObjectMeta, more ...any) {
		s.count++
		if meta.DeletionTimestamp != nil || meta.Labels["app.kubernetes.io/managed-by"] == "kubectl-tasks" {
			return
		}
		labels := map[string]string{}
		for name, value := range meta.Labels {
			if !slices.Contains(uids, name) {
				labels[name] = value
			}
		}
		name := meta.Name
		if job := meta.Labels["batch.kubernetes.io/job-name"]; job != "" {
			name = job + "-…"
		}
		text, _ := json.MarshalIndent([]any{labels, meta.Annotations, managers(meta), more}, "", " ") // of what came as JSON
		s.objects[kind+"/"+name] = strings.ReplaceAll(string(text), ns, "NAMESPACE")
	}
	core, all := cluster.CoreV1(), metav1.ListOptions{}
	pods, err := core.Pods(ns).List(ctx, all)
	if err != nil {
		return s, err
	}
	for _, p := range pods.Items {
		add("pod", p.ObjectMeta, p.Spec.Containers[0].Command, p.Spec.ServiceAccountName, p.Status.Phase)
	}
	jobs, err := cluster.BatchV1().Jobs(ns).List(ctx, all)
	if err != nil {
		return s, err
	}
	for _, j := range jobs.Items {
		var conditions []string
		for _, c := range j.Status.Conditions {
			if c.Status == corev1.ConditionTrue {
				conditions = append(conditions, string(c.Type))
			}
		}
		add("job", j.ObjectMeta, j.Spec.BackoffLimit, j.Spec.Template.Spec, conditions, j.Status.Succeeded, j.Status.Failed)
	}
	maps, err := core.ConfigMaps(ns).List(ctx, all)
	if err != nil {
		return s, err
	}
	for _, m := range maps.Items {
		if m.Name != rootCertificates {
			add("configmap", m.ObjectMeta, m.Data)
		}
	}
	accounts, err := core.ServiceAccounts(ns).List(ctx, all)
	if err != nil {
		return s, err
	}
	for _, a := range accounts.Items {
		if a.Name != defaultAccount {
			add("serviceaccount", a.ObjectMeta, a.AutomountServiceAccountToken)
		}
	}
	services, err := core.Services(ns).List(ctx, all)
	if err != nil {
		return s, err
	}
	for _, o := range services.Items {
		add("service", o.ObjectMeta, o.Spec.Selector, o.Spec.Ports)
	}
	roles, err := cluster.RbacV1().Roles(ns).List(ctx, all)
	if err != nil {
		return s, err
	}
	for _, r := range roles.Items {
		add("role", r.ObjectMeta, r.Rules)
	}
	deployments, err := cluster.AppsV1().Deployments(ns).List(ctx, all)
	if err != nil {
		return s, err
	}
	for _, d := range deployments.Items {
		delete(d.Annotations, "deployment.kubernetes.io/revision")
		add("deployment", d.ObjectMeta, d.Spec)
	}
	secrets, err := core.Secrets(ns).List(ctx, all)
	if err != nil {
		return s, err
	}
	for _, secret := range secrets.Items {
		if secret.Type != "helm.sh/release.v1" {
			add("secret", secret.ObjectMeta, secret.Data)
			continue
		}
		delete(secret.Labels, "modifiedAt")
		delete(secret.Labels, "createdAt")
		secret.ManagedFields = nil // of Helm's storage, which names the program
		stored, err := readRelease(secret.Data["release"])
		if err != nil {
			return s, err
		}
		s.revisions = append(s.revisions, stored)
		add("secret", secret.ObjectMeta, stored)
	}
	return s, nil
}

// rootCertificates and defaultAccount are in every namespace.
const (
	rootCertificates = "kube-root-ca.crt"
	defaultAccount   = "default"
)

// managers are those that own fields of an object, except for its status, which follows in its own time.
func managers(meta metav1.ObjectMeta) []string {
	var all []string
	for _, m := range meta.ManagedFields {
		if m.Subresource == "" && m.Manager != "kube-controller-manager" {
			all = append(all, m.Manager+" "+string(m.Operation))
		}
	}
	slices.Sort(all)
	return all
}

// storedRelease is what a release's Secret says of it and of its hooks.
type storedRelease struct {
	Version  int
	Manifest string
	Config   map[string]any
	Chart    struct{ Metadata struct{ Version string } }
	Info     struct{ Status, Description, Notes string }
	Hooks    []storedHook
}

type storedHook struct {
	Kind, Name     string
	Events         []string
	DeletePolicies []string               `json:"delete_policies"`
	LastRun        struct{ Phase string } `json:"last_run"`
}

func readRelease(data []byte) (storedRelease, error) {
	var release storedRelease
	packed, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		return release, err
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return release, err
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return release, err
	}
	err = json.Unmarshal(text, &release)
	release.Info.Description = reasons.ReplaceAllString(release.Info.Description, "$1")
	return release, err
}
