package keptn

import (
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// object has the fields of all objects.
type object struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Status     map[string]any    `json:"status"`
}

// definition is a KeptnTaskDefinition (spec keptn.md § 3.1) with the fields of all versions.
type definition struct {
	object

	Spec definitionSpec `json:"spec"`
}

type definitionSpec struct {
	// Function is the name of Deno before v1.
	Function                     *runtimeSpec                  `json:"function"`
	Deno                         *runtimeSpec                  `json:"deno"`
	Python                       *runtimeSpec                  `json:"python"`
	Container                    *corev1.Container             `json:"container"`
	Retries                      *int32                        `json:"retries"`
	Timeout                      *string                       `json:"timeout"`
	TTLSecondsAfterFinished      *int32                        `json:"ttlSecondsAfterFinished"`
	ImagePullSecrets             []corev1.LocalObjectReference `json:"imagePullSecrets"`
	ServiceAccount               *reference                    `json:"serviceAccount"`
	AutomountServiceAccountToken *automount                    `json:"automountServiceAccountToken"`
}

type runtimeSpec struct {
	FunctionRef      *reference        `json:"functionRef"`
	Inline           *inline           `json:"inline"`
	HTTPRef          *httpRef          `json:"httpRef"`
	ConfigMapRef     *reference        `json:"configMapRef"`
	Parameters       *parameters       `json:"parameters"`
	SecureParameters *secureParameters `json:"secureParameters"`
	CmdParameters    string            `json:"cmdParameters"`
}

type reference struct {
	Name string `json:"name"`
}

type inline struct {
	Code string `json:"code"`
}

type httpRef struct {
	URL string `json:"url"`
}

type parameters struct {
	Map map[string]string `json:"map"`
}

type secureParameters struct {
	Secret string `json:"secret"`
}

type automount struct {
	Type *bool `json:"type"`
}

// taskObject is a KeptnTask, which runs a definition once.
type taskObject struct {
	object

	Spec taskSpec `json:"spec"`
}

type taskSpec struct {
	TaskDefinition   string            `json:"taskDefinition"`
	Context          contextSpec       `json:"context"`
	Parameters       *parameters       `json:"parameters"`
	SecureParameters *secureParameters `json:"secureParameters"`
	CheckType        string            `json:"checkType"`
	Retries          *int32            `json:"retries"`
	Timeout          *string           `json:"timeout"`
	// These fields are those of v1alpha1.
	Workload        string `json:"workload"`
	WorkloadVersion string `json:"workloadVersion"`
	App             string `json:"app"`
	AppVersion      string `json:"appVersion"`
	Type            string `json:"type"`
}

type contextSpec struct {
	WorkloadName    string            `json:"workloadName"`
	AppName         string            `json:"appName"`
	AppVersion      string            `json:"appVersion"`
	WorkloadVersion string            `json:"workloadVersion"`
	TaskType        string            `json:"taskType"`
	ObjectType      string            `json:"objectType"`
	Metadata        map[string]string `json:"metadata"`
}

// evaluationDefinition is a KeptnEvaluationDefinition (spec keptn.md § 3.6). Only v1alpha1 and v1alpha2 have the
// source and the queries of objectives.
type evaluationDefinition struct {
	object

	Spec struct {
		Source            string      `json:"source"`
		Objectives        []objective `json:"objectives"`
		Retries           *int        `json:"retries"`
		RetryInterval     string      `json:"retryInterval"`
		FailureConditions any         `json:"failureConditions"`
	} `json:"spec"`

	node *yaml.Node
	file string
}

type objective struct {
	KeptnMetricRef   metricRef `json:"keptnMetricRef"`
	EvaluationTarget string    `json:"evaluationTarget"`
	Name             string    `json:"name"`
	Query            string    `json:"query"`
}

type metricRef struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// metric is a KeptnMetric.
type metric struct {
	object

	Spec struct {
		Provider             reference      `json:"provider"`
		Query                string         `json:"query"`
		FetchIntervalSeconds int            `json:"fetchIntervalSeconds"`
		Range                map[string]any `json:"range"`
	} `json:"spec"`
}

// provider is a KeptnMetricsProvider.
type provider struct {
	object

	Spec struct {
		Type                  string    `json:"type"`
		TargetServer          string    `json:"targetServer"`
		SecretKeyRef          secretKey `json:"secretKeyRef"`
		InsecureSkipTLSVerify bool      `json:"insecureSkipTlsVerify"`
	} `json:"spec"`
}

type secretKey struct {
	Name     string `json:"name"`
	Key      string `json:"key"`
	Optional bool   `json:"optional"`
}
