package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// noticed is how long after the last Deployment was ready a program may end.
	noticed = 0.5
	// nodes are simulated, each for 110 pods.
	nodes = 5
)

// scale measures how soon it is noticed that very many Deployments are ready, on simulated nodes: they have the
// same control plane, and no containers.
func (b *bench) scale(ctx context.Context) (err error) {
	deployments := b.rounds(200, 30)
	stop, err := b.simulate(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var manifest strings.Builder
	for i := range nodes {
		fmt.Fprintf(&manifest, node, i)
	}
	file := filepath.Join(b.dir, "nodes.yaml")
	chart := filepath.Join(b.dir, "chart-many")
	var many strings.Builder
	pods := 0
	for i := range deployments {
		fmt.Fprintf(&many, simulated, i, 2+i%2)
		pods += 2 + i%2
	}
	if err := writeFiles(b.dir, map[string]string{
		"nodes.yaml": manifest.String(), "chart-many/Chart.yaml": "apiVersion: v2\nname: many\nversion: 0.1.0\n", "chart-many/templates/all.yaml": many.String(),
	}); err != nil {
		return err
	}
	if err := b.do(ctx, command{program: b.kubectl, args: []string{"apply", "-f", file}}, command{program: b.kubectl, args: []string{"wait", "--for=condition=Ready", "node", "-l", "type=kwok", "--timeout=60s"}}); err != nil {
		return err
	}
	defer func() {
		if e := b.do(context.WithoutCancel(ctx), command{program: b.kubectl, args: []string{"delete", "-f", file}}); err == nil {
			err = e
		}
	}()
	late := map[string][]float64{}
	for round := range b.rounds(3, 1) {
		for _, c := range b.helms() {
			if c.name != "ours" && (round > 0 || b.quick && c.name == "helm 4") {
				continue // they take minutes
			}
			seconds, err := b.noticing(ctx, c, chart)
			if err != nil {
				return err
			}
			late[c.name] = append(late[c.name], seconds)
		}
	}
	for _, other := range []string{"helm 3", "helm 4"} {
		if len(late[other]) == 0 {
			continue
		}
		b.table.add(row{
			Work: fmt.Sprintf("noticing that %d Deployments, %d pods, are ready", deployments, pods), Unit: "s",
			Ours: late["ours"], Other: other, Theirs: late[other], Limit: noticed,
		})
	}
	return nil
}

// noticing returns how many seconds after the last of the Deployments has become ready the program ends.
func (b *bench) noticing(ctx context.Context, c contender, chart string) (float64, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return 0, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return 0, err
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := client.AppsV1().Deployments("default").Watch(watching, metav1.ListOptions{LabelSelector: "bench=many"})
	if err != nil {
		return 0, err
	}
	last := make(chan time.Time, 1)
	go func() {
		var at time.Time
		ready := map[string]bool{}
		for e := range events.ResultChan() {
			d, ok := e.Object.(*appsv1.Deployment)
			if !ok || ready[d.Name] || d.Status.AvailableReplicas < *d.Spec.Replicas || d.Status.ObservedGeneration != d.Generation {
				continue
			}
			ready[d.Name], at = true, time.Now()
		}
		last <- at
	}()
	// Who gives up has not noticed by then.
	if _, err := b.timed(ctx, command{program: c.program, args: []string{"install", "bench-many", chart, "--wait"}}); err != nil && (c.program == b.ours || ctx.Err() != nil) {
		return 0, err
	}
	end := time.Now()
	cancel()
	events.Stop()
	at := <-last
	// Deployments that are deleted from the front are deleted when their pods are.
	err = b.do(ctx, command{program: b.ours, args: []string{"uninstall", "bench-many", "--cascade", "foreground", "--wait"}})
	return end.Sub(at).Seconds(), err
}

// simulate starts kwok, which keeps simulated nodes alive until stop is called.
func (b *bench) simulate(ctx context.Context) (stop func(), err error) {
	if err := writeFiles(b.dir, map[string]string{"stages.yaml": stages}); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.kwok, "--kubeconfig", os.Getenv("KUBECONFIG"), "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake", "--node-lease-duration-seconds=40", "--config", filepath.Join(b.dir, "stages.yaml"))
	log, err := os.Create(filepath.Join(b.dir, "kwok.log"))
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
	}, nil
}

// stages are what kwok does: nodes and pods are ready at once, and pods are deleted at once.
const stages = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - {key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"]}
  next:
    statusTemplate: |
      conditions:
      - {type: Ready, status: "True", reason: Simulated, message: simulated, lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }}}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Pending]}
  next:
    statusTemplate: |
      conditions:
      - {type: Ready, status: "True", lastTransitionTime: {{ Now | Quote }}}
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ Now | Quote }}}
      containerStatuses:
      {{ range .spec.containers }}
      - {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: none, ready: true, restartCount: 0, state: {running: {startedAt: {{ Now | Quote }}}}}
      {{ end }}
      phase: Running
      startTime: {{ Now | Quote }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-deleted}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: Exists}
  next: {delete: true}
`

const node = `---
apiVersion: v1
kind: Node
metadata:
  name: bench-%d
  labels: {type: kwok}
  annotations: {kwok.x-k8s.io/node: fake, node.alpha.kubernetes.io/ttl: "0"}
spec: {taints: [{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]}
status:
  allocatable: {cpu: "32", memory: 256Gi, pods: "110"}
  capacity: {cpu: "32", memory: 256Gi, pods: "110"}
`

const simulated = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: bench-many-%[1]d, labels: {bench: many}}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: bench-many-%[1]d}}
  template:
    metadata: {labels: {app: bench-many-%[1]d, bench: many}}
    spec:
      terminationGracePeriodSeconds: 0
      nodeSelector: {type: kwok}
      tolerations: [{key: kwok.x-k8s.io/node, operator: Exists, effect: NoSchedule}]
      containers: [{name: main, image: none}]
`
