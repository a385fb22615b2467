package keptn

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// object is what all objects have.
type object struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Status     map[string]any    `json:"status"`
}

// definition is a KeptnTaskDefinition (spec keptn.md § 3.1). Fields of any version are known.
type definition struct {
	object

	Spec definitionSpec `json:"spec"`
}

type definitionSpec struct {
	// Function is what Deno was called before v1.
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

// taskObject is a KeptnTask: a definition to be run once.
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
	// Those of v1alpha1 stand beside the context.
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
