//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
)

// TestHostileWriter changes each field of each object that the program stores, or that it reads tasks and releases
// from, as whoever may write Secrets, Leases and ConfigMaps of a namespace can, and runs every command against it:
// none panics, none acts outside the namespace or on what is not its own there, and none starts a program that
// nobody confirmed. Each request is seen on its way to the server. Of all changes and commands a sample is tried, for
// $HOSTILE_TIME (default 60s), after what is known to be worth trying; $HOSTILE=all tries all, which takes hours. $HOSTILE_SEED
// chooses another sample.
func TestHostileWriter(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("HOSTILE_SEED"), "1"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	limit, err := time.ParseDuration(cmp.Or(os.Getenv("HOSTILE_TIME"), "60s"))
	if err != nil {
		t.Fatal(err)
	}
	everything := os.Getenv("HOSTILE") == "all"
	cluster := client(t)
	other := namespace(t, cluster, "others")
	const workers = 4
	worlds := make([]*world, workers)
	var making sync.WaitGroup
	for i := range worlds {
		worlds[i] = newWorld(t, cluster, other)
		making.Go(worlds[i].settle)
	}
	making.Wait()
	if t.Failed() {
		return
	}
	cases := worlds[0].cases()
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
	known := worlds[0].planted()
	todo := make(chan func(*world) change)
	go func() {
		defer close(todo)
		for i := range known {
			todo <- func(w *world) change { return w.planted()[i] }
		}
		end := time.Now().Add(limit)
		for _, c := range cases {
			if !everything && time.Now().After(end) {
				return
			}
			todo <- func(w *world) change { return w.meant(c) }
		}
	}()
	var working sync.WaitGroup
	var tried [workers]int
	for i, w := range worlds {
		working.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)+1))
			for next := range todo {
				c := next(w)
				commands := w.commands()
				switch {
				case everything:
				case len(c.known) > 0:
					commands = slices.DeleteFunc(commands, func(command []string) bool {
						return !slices.Contains([]string{"resume", "cancel", "rollback"}, command[0])
					})
				default:
					commands = [][]string{commands[random.IntN(len(commands))], commands[random.IntN(len(commands))]}
				}
				for _, command := range commands {
					if w.try(c, command) {
						tried[i]++
					}
				}
			}
		})
	}
	working.Wait()
	sum := 0
	for _, n := range tried {
		sum += n
	}
	t.Logf("seed %d: %d known changes, %d others in all; %d commands run", seed, len(known), len(cases), sum)
}

// world is a namespace with all that is stored there, and what must not be touched.
type world struct {
	*testing.T

	cluster            kubernetes.Interface
	objects            dynamic.Interface
	ns, other          string
	kubeconfig, canary string
	run                string
	// stored are the objects, decoded, by what they are.
	stored map[string]*unstructured.Unstructured
	// bystander is a pod, and idle a Deployment, that no task has made or scaled.
	bystander *corev1.Pod
	idle      *appsv1.Deployment

	mu sync.Mutex
	// outside are requests that are not of the namespace.
	outside []string
}

// change is a change of a stored object.
type change struct {
	object string
	path   []string
	value  any
	// known are more changes, of a case that is known to be worth trying.
	known map[string]any
}

func (c change) String() string {
	text, _ := json.Marshal(c.value)
	if len(c.known) > 0 {
		text, _ = json.Marshal(c.known)
	}
	if len(text) > 300 {
		text = text[:300]
	}
	return fmt.Sprintf("%s %s = %s", c.object, strings.Join(c.path, "."), text)
}

func newWorld(t *testing.T, cluster kubernetes.Interface, other string) *world {
	t.Helper()
	w := &world{T: t, cluster: cluster, other: other, ns: namespace(t, cluster, "writer"), stored: map[string]*unstructured.Unstructured{}}
	config, err := clientcmd.BuildConfigFromFlags("", required(t, "KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	if w.objects, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	w.canary = filepath.Join(t.TempDir(), "canary")
	server := httptest.NewServer(w.watched(config))
	t.Cleanup(server.Close)
	seen := clientcmdapi.Config{
		Clusters:  map[string]*clientcmdapi.Cluster{"c": {Server: server.URL}},
		Contexts:  map[string]*clientcmdapi.Context{"c": {Cluster: "c", Namespace: w.ns}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{}, CurrentContext: "c",
	}
	w.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(seen, w.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return w
}

// watched passes requests on to the cluster, and notes those that are not the namespace's.
func (w *world) watched(config *rest.Config) http.Handler {
	w.Helper()
	config = rest.CopyConfig(config)
	config.NextProtos = []string{"http/1.1"} // for exec
	transport, err := rest.TransportFor(config)
	if err != nil {
		w.Fatal(err)
	}
	to, err := url.Parse(config.Host)
	if err != nil {
		w.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) }}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, in, namespaced := strings.Cut(r.URL.Path, "/namespaces/")
		in, _, _ = strings.Cut(in, "/")
		asks := r.Method == http.MethodGet || strings.Contains(r.URL.Path, "/selfsubject") || r.URL.Query().Get("dryRun") != ""
		if namespaced && in != w.ns && (!asks || in != "keptn-system") || !namespaced && !asks {
			w.mu.Lock()
			w.outside = append(w.outside, r.Method+" "+r.URL.Path)
			w.mu.Unlock()
		}
		proxy.ServeHTTP(rw, r)
	})
}

// call runs a command in this process, and returns its exit code and what it wrote. A panic is the test's failure.
func (w *world) call(args ...string) (code int, text string) {
	var out bytes.Buffer
	defer func() {
		if r := recover(); r != nil {
			code, text = -1, fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeoutCause(context.Background(), 30*time.Second, action.Interrupted{Signal: os.Interrupt})
	defer cancel()
	var mu sync.Mutex
	to := writerFunc(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(b)
	})
	args = slices.Insert(slices.Clone(args), 1, "--kubeconfig="+w.kubeconfig, "--namespace="+w.ns)
	if args[0] == "plan" {
		args[1], args[2], args[3] = args[3], args[1], args[2]
	}
	code = plugin.New(genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: to, ErrOut: to}).Run(ctx, args)
	mu.Lock()
	defer mu.Unlock()
	return code, out.String()
}

// tasksOfWriter are tasks of all sorts that need no time.
const tasksOfWriter = `apiVersion: kubectl-tasks.io/v1alpha1
kind: Tasks
tasks:
- {name: first, phase: pre-upgrade, once: "1", wait: {object: configmap/tasks, for: "jsonpath={.metadata.name}=tasks"}, undo: {exec: {target: deployment/web, allowEmpty: true, command: ["true"]}}}
- {name: second, phase: post-upgrade, exec: {target: deployment/web, command: ["true"]}}
- {name: clean, phase: post-uninstall, wait: {object: configmap/tasks, for: "jsonpath={.metadata.name}=tasks"}}
- {name: canary, host: {command: [touch, %q]}}
`

// chartOfWriter is the chart that is installed.
func chartOfWriter() string { return filepath.Join(rootDir, "examples/web") }

// settle makes what is stored by using the program, and takes it down.
func (w *world) settle() {
	ctx := w.Context()
	fail := func(err error) {
		if err != nil {
			w.Error(err)
		}
	}
	container := corev1.Container{Name: "app", Image: testImage, Command: []string{"sleep", "100000"}}
	now := int64(0)
	spec := corev1.PodSpec{Containers: []corev1.Container{container}, TerminationGracePeriodSeconds: &now}
	var err error
	w.bystander, err = w.cluster.CoreV1().Pods(w.ns).Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "bystander"}, Spec: spec}, metav1.CreateOptions{})
	fail(err)
	one, labels := int32(1), map[string]string{"app": "idle"}
	w.idle, err = w.cluster.AppsV1().Deployments(w.ns).Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "idle"}, Spec: appsv1.DeploymentSpec{
		Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: labels}, Paused: true,
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
	}}, metav1.CreateOptions{})
	fail(err)
	tasks := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "tasks", Annotations: map[string]string{"kubectl-tasks.io/release": "web"}}, Data: map[string]string{"tasks.yaml": fmt.Sprintf(tasksOfWriter, w.canary)}}
	_, err = w.cluster.CoreV1().ConfigMaps(w.ns).Create(ctx, tasks, metav1.CreateOptions{})
	fail(err)
	if code, text := w.call("install", "web", chartOfWriter(), "--set", "replicas=0"); code != 0 {
		w.Errorf("install: %d\n%s", code, text)
		return
	}
	if code, text := w.call("upgrade", "web", chartOfWriter(), "--set", "replicas=0"); code != 1 {
		w.Errorf("upgrade: %d\n%s", code, text)
		return
	}
	secrets, err := w.cluster.CoreV1().Secrets(w.ns).List(ctx, metav1.ListOptions{})
	fail(err)
	kept := map[string]string{"kubectl-tasks.web": "ledger", "sh.helm.release.v1.web.v1": "release", "sh.helm.release.v1.web.v2": "newest release"}
	for _, s := range secrets.Items {
		if run, ok := strings.CutPrefix(s.Name, "kubectl-tasks.run."); ok {
			// The last one is that of the upgrade.
			w.run, kept[s.Name] = max(w.run, run), "run"
		}
	}
	for _, s := range secrets.Items {
		if what := kept[s.Name]; what == "run" && s.Name == "kubectl-tasks.run."+w.run || what != "" && what != "run" {
			w.keep(what, "secrets", s.Name)
		}
	}
	w.keep("tasks", "configmaps", "tasks")
	if len(w.stored) != 5 {
		w.Errorf("%d of 5 objects are stored", len(w.stored))
		return
	}
	w.stored["ledger"].Object["data"].(map[string]any)["record.json"].(map[string]any)["documents"] = []any{
		map[string]any{"name": "tasks.yaml", "format": "native", "text": b64.EncodeToString([]byte(fmt.Sprintf(tasksOfWriter, w.canary)))},
	}
	// The same run, as one that died: in the middle of a task, with a pod and a workload of its own.
	died := w.stored["run"].DeepCopy()
	run := died.Object["data"].(map[string]any)["run"].(map[string]any)
	for _, gone := range []string{"status", "end", "exitCode"} {
		delete(run, gone)
	}
	run["owner"] = map[string]any{"name": "mallory@elsewhere", "pid": int64(1)}
	run["woken"] = []any{map[string]any{"target": "deployment/web", "uid": "x", "replicas": int64(1)}}
	for _, s := range run["steps"].([]any) {
		if step := s.(map[string]any); step["id"] == "second" {
			for _, gone := range []string{"state", "end", "reason", "message", "targets"} {
				delete(step, gone)
			}
			step["made"] = []any{map[string]any{"kind": "Pod", "namespace": w.ns, "name": "gone", "uid": "y", "container": "app"}}
			step["attempt"] = int64(1)
		}
	}
	w.stored["dead run"] = died
	lease := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
		"metadata": map[string]any{"name": "kubectl-tasks.web", "namespace": w.ns, "labels": map[string]any{"app.kubernetes.io/managed-by": "kubectl-tasks", "kubectl-tasks.io/release": "web"}, "annotations": map[string]any{
			"kubectl-tasks.io/holder": map[string]any{"name": "mallory@elsewhere", "pid": int64(1), "run": w.run}, "kubectl-tasks.io/cancelled-by": "mallory",
		}},
		"spec": map[string]any{"holderIdentity": "mallory@elsewhere/1/" + w.run, "leaseDurationSeconds": int64(15), "leaseTransitions": int64(1), "renewTime": "2026-01-01T00:00:00.000000Z", "acquireTime": "2026-01-01T00:00:00.000000Z"},
	}}
	w.stored["lease"] = lease
}

var resourcesOfWriter = map[string]schema.GroupVersionResource{
	"Secret":    {Version: "v1", Resource: "secrets"},
	"ConfigMap": {Version: "v1", Resource: "configmaps"},
	"Lease":     {Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
}

// keep remembers an object, decoded.
func (w *world) keep(what, resource, name string) {
	live, err := w.objects.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).Namespace(w.ns).Get(w.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.Error(err)
		return
	}
	labels, annotations := live.GetLabels(), live.GetAnnotations()
	live.Object["metadata"] = map[string]any{"name": name, "namespace": w.ns}
	live.SetLabels(labels)
	live.SetAnnotations(annotations)
	for _, c := range codecs {
		fields, _ := at(live.Object, c.path[:len(c.path)-1]).(map[string]any)
		text, ok := fields[c.path[len(c.path)-1]].(string)
		if !ok {
			continue
		}
		tree, err := c.decode(text)
		if err != nil {
			w.Errorf("%s: %v", name, err)
			return
		}
		fields[c.path[len(c.path)-1]] = tree
	}
	w.stored[what] = live
}

// codec is how a field of an object has a tree of its own.
type codec struct {
	path   []string
	decode func(string) (any, error)
	encode func(any) string
}

func fromJSON(text []byte) (tree any, err error) {
	err = json.Unmarshal(text, &tree)
	return tree, err
}

func unzip(text []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func zipped(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text)
	_ = w.Close()
	return b.Bytes()
}

func asJSON(tree any) []byte {
	text, _ := json.Marshal(tree)
	return text
}

var b64 = base64.StdEncoding

var codecs = []codec{
	{[]string{"data", "run"}, func(text string) (any, error) {
		packed, err := b64.DecodeString(text)
		if err != nil {
			return nil, err
		}
		unpacked, err := unzip(packed)
		if err != nil {
			return nil, err
		}
		return fromJSON(unpacked)
	}, func(tree any) string { return b64.EncodeToString(zipped(asJSON(tree))) }},
	{[]string{"data", "record.json"}, func(text string) (any, error) {
		plain, err := b64.DecodeString(text)
		if err != nil {
			return nil, err
		}
		return fromJSON(plain)
	}, func(tree any) string { return b64.EncodeToString(asJSON(tree)) }},
	{[]string{"data", "release"}, func(text string) (any, error) {
		outer, err := b64.DecodeString(text)
		if err != nil {
			return nil, err
		}
		inner, err := b64.DecodeString(string(outer))
		if err != nil {
			return nil, err
		}
		unpacked, err := unzip(inner)
		if err != nil {
			return nil, err
		}
		return fromJSON(unpacked)
	}, func(tree any) string {
		return b64.EncodeToString([]byte(b64.EncodeToString(zipped(asJSON(tree)))))
	}},
	{[]string{"data", "tasks.yaml"}, func(text string) (tree any, err error) {
		err = yaml.Unmarshal([]byte(text), &tree)
		return tree, err
	}, func(tree any) string {
		text, _ := yaml.Marshal(tree)
		return string(text)
	}},
	{[]string{"metadata", "annotations", "kubectl-tasks.io/holder"}, nil, func(tree any) string { return string(asJSON(tree)) }},
}

// at returns the node of a tree; nil when there is none.
func at(tree any, path []string) any {
	for _, key := range path {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(node) {
				return nil
			}
			tree = node[i]
		default:
			return nil
		}
	}
	return tree
}

// put changes the node of a tree; a value that is removed takes the node away, and one place behind the end of a
// list makes it longer.
func put(tree any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	switch node := tree.(type) {
	case map[string]any:
		if next := put(node[path[0]], path[1:], value); next == removed {
			delete(node, path[0])
		} else {
			node[path[0]] = next
		}
	case []any:
		i, err := strconv.Atoi(path[0])
		switch {
		case err != nil || i > len(node):
		case i == len(node):
			return append(node, value)
		default:
			if node[i] = put(node[i], path[1:], value); node[i] == removed {
				return slices.Delete(node, i, i+1)
			}
		}
	}
	return tree
}

type removal struct{}

// removed is the value of a field that is taken away.
var removed any = removal{}

// nodes returns the paths to all nodes of a tree, and to the place behind the end of each list.
func nodes(tree any, path []string) [][]string {
	var all [][]string
	step := func(key string, child any) {
		next := append(slices.Clone(path), key)
		all = append(all, next)
		all = append(all, nodes(child, next)...)
	}
	switch node := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			step(key, node[key])
		}
	case []any:
		for i, child := range node {
			step(strconv.Itoa(i), child)
		}
		all = append(all, append(slices.Clone(path), strconv.Itoa(len(node))))
	}
	return all
}

// The words of values that are others in each world.
const (
	wordOther, wordCanary, wordPod, wordDeployment = "\x00other", "\x00canary", "\x00pod", "\x00deployment"
)

// values are what a field is changed to.
var values = []any{
	removed, nil, "", "x", "0", -1, 0, 1 << 40, 1e300, 1.5, true, false,
	[]any{},
	map[string]any{},
	[]any{nil},
	map[string]any{"": nil},
	wordOther, wordPod, wordDeployment, "bystander", "deployment/idle", "pod/bystander", "idle", "../" + wordOther + "/pods/x", "a/b/c", "default", "kube-system",
	"\x1b[2J\r::error::x\n##vso[x]", strings.Repeat("A", 100000), "kubectl-tasks.run.x", "--help", "--namespace=" + wordOther, "--kubeconfig=/nowhere", "--record=none",
	"--post-renderer=" + wordCanary, "--allow-host-tasks=true", "--set-file=a=/etc/passwd", "canary", "uninstall", "run", "2999-01-01T00:00:00Z", "Running", "Succeeded",
	"pending-upgrade", "deployed", "Unknown", "{{ .Values }}", "${env.HOME}",
	[]any{"touch", wordCanary},
	map[string]any{"command": []any{"touch", wordCanary}},
	"host",
}

// cases are all changes of one field.
func (w *world) cases() []change {
	var all []change
	for _, what := range slices.Sorted(maps.Keys(w.stored)) {
		for _, path := range nodes(w.stored[what].Object, nil) {
			switch strings.Join(path, ".") {
			case "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace":
				continue // it would be another object
			}
			for _, value := range values {
				all = append(all, change{object: what, path: path, value: value})
			}
		}
	}
	return all
}

// meant returns a change with the words of this world.
func (w *world) meant(c change) change {
	c.value = w.worded(c.value)
	return c
}

func (w *world) worded(value any) any {
	switch v := value.(type) {
	case string:
		return strings.NewReplacer(wordOther, w.other, wordCanary, w.canary, wordPod, string(w.bystander.UID), wordDeployment, string(w.idle.UID)).Replace(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = w.worded(v[i])
		}
		return all
	case map[string]any:
		all := map[string]any{}
		for key := range v {
			all[key] = w.worded(v[key])
		}
		return all
	}
	return value
}

// planted are changes of several fields that belong together.
func (w *world) planted() []change {
	w.script()
	command := func(operation string, args ...any) map[string]any {
		return map[string]any{"data.run.command": args, "data.run.operation": operation}
	}
	pod := map[string]any{"kind": "Pod", "namespace": w.ns, "name": "bystander", "uid": string(w.bystander.UID)}
	var step string
	for i, s := range at(w.stored["dead run"].Object, []string{"data", "run", "steps"}).([]any) {
		if s.(map[string]any)["id"] == "second" {
			step = "data.run.steps." + strconv.Itoa(i)
		}
	}
	inContainer := map[string]any{"kind": "Pod", "namespace": w.ns, "name": "bystander", "uid": string(w.bystander.UID), "container": "app"}
	all := []map[string]any{
		{"data.run.command": []any{"run", "--allow-host-tasks=true", "--tasks=configmap/tasks", "canary"}, "data.run.operation": "run", "data.run.release": removed, "metadata.labels.kubectl-tasks~1io/release": removed},
		command("run", "run", "--allow-host-tasks=true", "--release=web", "canary"),
		command("upgrade", "upgrade", "--post-renderer="+w.canary+".sh", "web", chartOfWriter()),
		command("uninstall", "uninstall", "--namespace="+w.other, "--record=none", "web"),
		command("uninstall", "uninstall", "web", "--namespace="+w.other),
		command("upgrade", "upgrade", "web", chartOfWriter(), "--kube-apiserver=http://127.0.0.1:1"),
		{step + ".made": []any{pod}},
		{step + ".made": []any{pod}, step + ".state": "Failed"},
		{step + ".made": []any{inContainer}},
		{step + ".made": []any{map[string]any{"kind": "Pod", "namespace": w.other, "name": "x", "uid": "x"}}},
		{"data.run.woken": []any{map[string]any{"target": "deployment/idle", "uid": string(w.idle.UID), "replicas": 1}}},
		{"data.run.namespace": w.other, "data.run.woken": []any{map[string]any{"target": "deployment/idle", "uid": string(w.idle.UID), "replicas": 1}}},
	}
	changes := make([]change, len(all))
	for i := range all {
		changes[i] = change{object: "dead run", known: all[i]}
	}
	return append(changes, change{object: "ledger", known: map[string]any{
		"data.record~1json.done": []any{map[string]any{"id": "x", "run": "x", "revision": 2, "task": "x", "time": "2026-01-01T00:00:00Z", "ended": true, "undo": map[string]any{"name": "x", "kind": "host", "executor": map[string]any{"Command": map[string]any{"Argv": []any{"touch", w.canary}}}, "policy": map[string]any{}}}},
	}})
}

// script writes the program that a renderer would be.
func (w *world) script() {
	if err := os.WriteFile(w.canary+".sh", []byte("#!/bin/sh\ntouch "+w.canary+"\ncat\n"), 0o755); err != nil {
		w.Error(err)
	}
}

// commands are all that read what is stored.
func (w *world) commands() [][]string {
	chart := chartOfWriter()
	return [][]string{
		{"history"},
		{"history", "-o", "json"},
		{"status", "--release", "web"},
		{"status", w.run},
		{"logs", "--release", "web"},
		{"list", "--release", "web"},
		{"plan", "upgrade", "web", chart},
		{"plan", "rollback", "web"},
		{"plan", "uninstall", "web"},
		{"resume", "--release", "web", "--lock-wait=1s"},
		{"resume", w.run, "--chart=" + chart, "--lock-wait=1s"},
		{"resume", w.run, "--chart=" + chart, "--replan", "--lock-wait=1s"},
		{"cancel", w.run, "--timeout=1s"},
		{"cancel", "--release", "web", "--timeout=1s"},
		{"unlock", "web", "--force"},
		{"run", "first", "--release", "web", "--lock-wait=1s"},
		{"upgrade", "web", chart, "--set", "replicas=0", "--lock-wait=1s", "--task-timeout=2s"},
		{"rollback", "web", "1", "--lock-wait=1s", "--task-timeout=2s"},
		{"test", "web"},
		{"uninstall", "web", "--lock-wait=1s", "--task-timeout=2s"},
	}
}

// try makes the world with a change, and runs a command there; false when the server does not take the change.
func (w *world) try(c change, command []string) bool {
	if !w.restore(c) {
		return false
	}
	code, text := w.call(command...)
	where := fmt.Sprintf("%s\n%s: exit code %d", c, strings.Join(command, " "), code)
	w.mu.Lock()
	outside := w.outside
	w.outside = nil
	w.mu.Unlock()
	if code < 0 || code == 2 && command[0] != "plan" {
		w.Errorf("%s\n%s", where, text)
	}
	if len(outside) > 0 {
		w.Errorf("%s\nrequests outside the namespace: %s\n%s", where, strings.Join(outside, ", "), text)
	}
	if err := os.Remove(w.canary); err == nil {
		w.Errorf("%s\na program was started on this machine\n%s", where, text)
	}
	ctx := context.Background()
	if pod, err := w.cluster.CoreV1().Pods(w.ns).Get(ctx, "bystander", metav1.GetOptions{}); err != nil || pod.UID != w.bystander.UID || pod.DeletionTimestamp != nil {
		w.Errorf("%s\nthe pod that is nobody's was touched: %v\n%s", where, err, text)
	}
	if idle, err := w.cluster.AppsV1().Deployments(w.ns).Get(ctx, "idle", metav1.GetOptions{}); err != nil || idle.UID != w.idle.UID || *idle.Spec.Replicas != 1 {
		w.Errorf("%s\nthe Deployment that nobody woke was touched: %v\n%s", where, err, text)
	}
	return true
}

// restore makes what is stored as it was, except for a change. A run is there alive or dead, and a Lease only when it is
// what is changed.
func (w *world) restore(c change) bool {
	ctx := context.Background()
	for _, resource := range resourcesOfWriter {
		all := w.objects.Resource(resource).Namespace(w.ns)
		list, err := all.List(ctx, metav1.ListOptions{})
		if err != nil {
			w.Error(err)
			return false
		}
		for _, o := range list.Items {
			if strings.HasPrefix(o.GetName(), "kubectl-tasks") || strings.HasPrefix(o.GetName(), "sh.helm") || o.GetName() == "tasks" {
				if err := all.Delete(ctx, o.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
					w.Error(err)
					return false
				}
			}
		}
	}
	for what, o := range w.stored {
		if what == "lease" && c.object != what || what == "run" && c.object != what || what == "dead run" && c.object == "run" {
			continue
		}
		o = o.DeepCopy()
		if what == c.object {
			if len(c.path) > 0 {
				put(o.Object, c.path, c.value)
			}
			for path, value := range c.known {
				keys := strings.Split(path, ".")
				for i := range keys {
					keys[i] = strings.ReplaceAll(keys[i], "~1", ".")
				}
				put(o.Object, keys, value)
			}
		}
		if err := w.store(ctx, o); err != nil {
			if what == c.object {
				return false
			}
			w.Errorf("%s: %v", what, err)
			return false
		}
	}
	return true
}

// store makes an object whose fields are decoded. The error says why it cannot be.
func (w *world) store(ctx context.Context, o *unstructured.Unstructured) error {
	for _, c := range codecs {
		fields, _ := at(o.Object, c.path[:len(c.path)-1]).(map[string]any)
		key := c.path[len(c.path)-1]
		if tree, ok := fields[key]; ok {
			fields[key] = c.encode(tree)
		}
	}
	text, err := json.Marshal(o.Object) // what it has of Go's numbers is JSON's
	if err != nil {
		return err
	}
	fresh := &unstructured.Unstructured{}
	if err := fresh.UnmarshalJSON(text); err != nil {
		return err
	}
	resource, ok := resourcesOfWriter[fresh.GetKind()]
	if !ok {
		return errors.New("it is of another kind")
	}
	_, err = w.objects.Resource(resource).Namespace(w.ns).Create(ctx, fresh, metav1.CreateOptions{})
	return err
}
