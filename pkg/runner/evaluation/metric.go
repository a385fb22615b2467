package evaluation

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Metrics reads the values of metrics: from the KeptnMetrics of a cluster, and from a Prometheus.
type Metrics struct{ Client *kube.Client }

// Status returns the value in the status of a KeptnMetric; empty when there is no such metric, when it has no value yet,
// or when the cluster has no metrics operator.
func (m Metrics) Status(ctx context.Context, namespace, name string) (string, error) {
	o, err := m.Client.FindObject(ctx, "metrics.keptn.sh", "KeptnMetric", namespace, name)
	if o == nil || err != nil {
		return "", err
	}
	// A metric without a rawValue has no value yet (spec keptn.md § 3.6).
	raw, _, _ := unstructured.NestedString(o.Object, "status", "rawValue")
	value, _, _ := unstructured.NestedString(o.Object, "status", "value")
	if raw == "" {
		return "", nil
	}
	return value, nil
}
