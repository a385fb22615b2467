package keptn

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// app is a KeptnApp: the workloads of an application. Only versions before v1beta1 have the lists of tasks.
type app struct {
	object

	Spec appSpec `json:"spec"`
}

type appSpec struct {
	Version                   string   `json:"version"`
	Revision                  int      `json:"revision"`
	Workloads                 []member `json:"workloads"`
	PreDeploymentTasks        []string `json:"preDeploymentTasks"`
	PostDeploymentTasks       []string `json:"postDeploymentTasks"`
	PreDeploymentEvaluations  []string `json:"preDeploymentEvaluations"`
	PostDeploymentEvaluations []string `json:"postDeploymentEvaluations"`
}

type member struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// appContext is a KeptnAppContext: the tasks of an application.
type appContext struct {
	object

	Spec appContextSpec `json:"spec"`
}

type appContextSpec struct {
	PreDeploymentTasks        []string          `json:"preDeploymentTasks"`
	PostDeploymentTasks       []string          `json:"postDeploymentTasks"`
	PreDeploymentEvaluations  []string          `json:"preDeploymentEvaluations"`
	PostDeploymentEvaluations []string          `json:"postDeploymentEvaluations"`
	PromotionTasks            []string          `json:"promotionTasks"`
	Metadata                  map[string]string `json:"metadata"`
	SpanLinks                 []string          `json:"spanLinks"`
}

// workload has the used fields of a workload of the release.
type workload struct {
	Kind     string            `json:"kind"`
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Template corev1.PodTemplateSpec `json:"template"`
	} `json:"spec"`
}
