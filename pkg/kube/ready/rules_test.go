package ready

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	json, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = o.UnmarshalJSON(json)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestRules: a row for each rule of docs/readiness.md.
func TestRules(t *testing.T) {
	const ready = "metadata: {generation: 2}, spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2, conditions: [{type: Available, status: 'True'}, {type: Progressing, status: 'True', reason: NewReplicaSetAvailable}]}"
	for name, c := range map[string]struct {
		object string
		want   Verdict
		reason string
	}{
		"a Deployment":                           {"{apiVersion: apps/v1, kind: Deployment, " + ready + "}", Ready, ""},
		"a Deployment of an older generation":    {"{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 2}, spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 1}}", NotYet, "Deployment generation is 2, but latest observed generation is 1"},
		"a Deployment with a replica missing":    {"{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 1, availableReplicas: 1}}", NotYet, "Available: 1/2"},
		"a Deployment with an old replica":       {"{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 2, updatedReplicas: 1, readyReplicas: 2, availableReplicas: 2}}", NotYet, "Pending termination: 1"},
		"a Deployment past its deadline":         {"{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {progressDeadlineSeconds: 1}, status: {observedGeneration: 1, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]}}", Failed, "Progress deadline exceeded"},
		"a Deployment that is paused":            {"{apiVersion: apps/v1, kind: Deployment, spec: {paused: true}}", Ready, "it is paused: its pods stay as they are until it is resumed"},
		"a Pod that is Ready":                    {"{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}", Ready, ""},
		"a Pod that has ended":                   {"{apiVersion: v1, kind: Pod, status: {phase: Succeeded}}", Ready, ""},
		"a Pod that has failed":                  {"{apiVersion: v1, kind: Pod, status: {phase: Failed}}", Failed, "the pod has failed"},
		"a Pod that crashes, which may change":   {"{apiVersion: v1, kind: Pod, status: {phase: Running, containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff}}}]}}", NotYet, "Containers in CrashLoop state: a"},
		"a ReplicationController":                {"{apiVersion: v1, kind: ReplicationController, metadata: {generation: 1}, spec: {replicas: 1}, status: {observedGeneration: 1, readyReplicas: 1}}", Ready, ""},
		"a ReplicationController without a pod":  {"{apiVersion: v1, kind: ReplicationController, metadata: {generation: 1}, spec: {replicas: 1}, status: {observedGeneration: 1}}", NotYet, "Ready: 0/1"},
		"a Job that runs":                        {"{apiVersion: batch/v1, kind: Job, status: {startTime: x, active: 1}}", NotYet, "Succeeded: 0, active: 1"},
		"a Job that is complete":                 {"{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Complete, status: 'True'}]}}", Ready, ""},
		"a Job that has failed":                  {"{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, message: too often}]}}", Failed, "BackoffLimitExceeded: too often"},
		"a Service":                              {"{apiVersion: v1, kind: Service, spec: {type: ClusterIP}}", Ready, ""},
		"a load balancer without an address":     {"{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}}", NotYet, "the load balancer has no address"},
		"a load balancer":                        {"{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}", Ready, ""},
		"a load balancer with addresses given":   {"{apiVersion: v1, kind: Service, spec: {type: LoadBalancer, externalIPs: [192.0.2.1]}}", Ready, ""},
		"an autoscaler that says nothing yet":    {"{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler}", Ready, ""},
		"an autoscaler without metrics":          {"{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, status: {conditions: [{type: AbleToScale, status: 'True'}, {type: ScalingActive, status: 'False', reason: FailedGetResourceMetric}]}}", Ready, ""},
		"an autoscaler of nothing":               {"{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, status: {conditions: [{type: AbleToScale, status: 'False', reason: FailedGetScale, message: 'deployments.apps \"web\" not found'}]}}", NotYet, `FailedGetScale: deployments.apps "web" not found`},
		"a claim":                                {"{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Bound}}", Ready, ""},
		"a claim that is not bound":              {"{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Pending}}", NotYet, "PVC is not Bound. phase: Pending"},
		"a CRD":                                  {"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, status: {conditions: [{type: Established, status: 'True'}]}}", Ready, ""},
		"a CRD that is new":                      {"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition}", NotYet, "Install in progress"},
		"a custom resource that says nothing":    {"{apiVersion: example.com/v1, kind: Report, status: {phase: Done}}", Unknown, "its status has none of the usual conditions"},
		"a custom resource that is Ready":        {"{apiVersion: example.com/v1, kind: Report, status: {conditions: [{type: Ready, status: 'True'}]}}", Ready, ""},
		"a custom resource that is not":          {"{apiVersion: example.com/v1, kind: Report, status: {conditions: [{type: Ready, status: 'False', message: not today}]}}", NotYet, "not today"},
		"a custom resource that is stalled":      {"{apiVersion: example.com/v1, kind: Report, status: {conditions: [{type: Stalled, status: 'True', message: stuck}]}}", Failed, "stuck"},
		"a custom resource that is behind":       {"{apiVersion: example.com/v1, kind: Report, metadata: {generation: 2}, status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True'}]}}", NotYet, "Report generation is 2, but latest observed generation is 1"},
		"a StatefulSet with minReadySeconds":     {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 1}, spec: {minReadySeconds: 9}, status: {observedGeneration: 1, replicas: 1, readyReplicas: 1, updatedReplicas: 1, currentReplicas: 1}}", NotYet, "Available: 0/1"},
		"a StatefulSet with a partition":         {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 2, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}}, status: {observedGeneration: 1, replicas: 2, readyReplicas: 2, updatedReplicas: 1, currentReplicas: 1}}", Ready, "1 pod is of an older revision; its partition is 1"},
		"a StatefulSet above its partition":      {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 2, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}}, status: {observedGeneration: 1, replicas: 2, readyReplicas: 2, currentReplicas: 2}}", NotYet, "updated: 0/1"},
		"a StatefulSet with OnDelete, new":       {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 1}, spec: {updateStrategy: {type: OnDelete}}}", NotYet, "Ready: 0/1"},
		"a StatefulSet with OnDelete":            {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 2, updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 0}}", Ready, "2 pods are of an older revision; its update strategy OnDelete replaces a pod when it is deleted"},
		"a StatefulSet with OnDelete, not ready": {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 2, updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, replicas: 2, readyReplicas: 1}}", NotYet, "Ready: 1/2"},
		"a StatefulSet with OnDelete, scaled":    {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {replicas: 0, updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, replicas: 1, readyReplicas: 1}}", NotYet, "Pending termination: 1"},
		"a StatefulSet of an older generation":   {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 2}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 1, replicas: 1, readyReplicas: 1, updatedReplicas: 1}}", NotYet, "StatefulSet generation is 2, but latest observed generation is 1"},
		"a StatefulSet of nothing":               {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 0}, status: {observedGeneration: 1, replicas: 0}}", Ready, ""},
		"a DaemonSet":                            {"{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 1, currentNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 1, numberReady: 1}}", Ready, ""},
		"a DaemonSet whose update is not done":   {"{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 1, currentNumberScheduled: 1, numberAvailable: 1, numberReady: 1}}", NotYet, "Updated: 0/1"},
		"a DaemonSet with OnDelete":              {"{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 2}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, desiredNumberScheduled: 1, currentNumberScheduled: 1, numberAvailable: 1, numberReady: 1}}", Ready, "1 pod is of an older revision; its update strategy OnDelete replaces a pod when it is deleted"},
		"a DaemonSet with OnDelete, not ready":   {"{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 2}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, desiredNumberScheduled: 1, currentNumberScheduled: 1}}", NotYet, "Available: 0/1"},
		"a DaemonSet with OnDelete, new":         {"{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 1}, spec: {updateStrategy: {type: OnDelete}}}", NotYet, "DaemonSet status.observedGeneration not found"},
		"a DaemonSet of no node":                 {"{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 1}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 1, desiredNumberScheduled: 0}}", Ready, ""},
		"a Deployment of nothing":                {"{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 0}, status: {observedGeneration: 1, conditions: [{type: Available, status: 'True'}]}}", Ready, ""},
		"a Deployment with minReadySeconds":      {"{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 1, minReadySeconds: 9}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1}}", NotYet, "Available: 0/1"},
		"a ReplicaSet with minReadySeconds":      {"{apiVersion: apps/v1, kind: ReplicaSet, metadata: {generation: 1}, spec: {replicas: 1, minReadySeconds: 9}, status: {observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1}}", NotYet, "Available: 0/1"},
		"a controller with minReadySeconds":      {"{apiVersion: v1, kind: ReplicationController, metadata: {generation: 1}, spec: {replicas: 1, minReadySeconds: 9}, status: {observedGeneration: 1, readyReplicas: 1}}", NotYet, "Available: 0/1"},
		"a StatefulSet whose update is not done": {"{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 1, readyReplicas: 1, currentReplicas: 1, currentRevision: a, updateRevision: b}}", NotYet, "Waiting for updated revision to match current"},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, c.object)
			rule := customRule
			if known := rules[o.GroupVersionKind().GroupKind()]; known != nil {
				rule = known
			} else if !isCustom(o) {
				t.Errorf("%s is not taken for a custom resource", o.GetKind())
			}
			got, reason := rule(o)
			if got != c.want || reason != c.reason {
				t.Errorf("verdict %d, %q; want %d, %q", got, reason, c.want, c.reason)
			}
		})
	}
}

// TestIsCustom: kinds of Kubernetes that never become ready are no custom resources.
func TestIsCustom(t *testing.T) {
	for _, gvk := range []schema.GroupVersionKind{
		{Version: "v1", Kind: "ConfigMap"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"},
		{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
		{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"},
	} {
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(gvk)
		if isCustom(o) {
			t.Errorf("%s is taken for a custom resource", gvk)
		}
	}
}
