package keptn

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// systemNamespace is where Keptn itself runs. Definitions in it count for all namespaces.
const systemNamespace = "keptn-system"

// definitionKinds are the kinds of objects that documents can refer to.
var definitionKinds = []string{"KeptnTaskDefinition", "KeptnEvaluationDefinition", "KeptnApp", "KeptnAppContext"}

// AddDefinitions adds the cluster's definitions to the options of Keptn's format. It asks the cluster only
// when one of the documents is of that format.
func (c Cluster) AddDefinitions(ctx context.Context, documents []format.Document, o *format.KeptnOptions) error {
	if len(format.KeptnDocuments(documents)) == 0 {
		return nil
	}
	installed, err := c.Client.HasGroup(lifecycleGroup)
	if err != nil || !installed {
		return err
	}
	o.Namespaces = c.namespaces()
	o.Definitions, err = c.definitions(ctx)
	return err
}

// namespaces are those in which definitions are searched, in that order.
func (c Cluster) namespaces() []string { return []string{c.Namespace, systemNamespace} }

// definitions returns the cluster's definitions as documents.
func (c Cluster) definitions(ctx context.Context) ([]keptn.Document, error) {
	var documents []keptn.Document
	for _, ns := range c.namespaces() {
		for _, kind := range definitionKinds {
			objects, err := c.Client.ListKind(ctx, lifecycleGroup, kind, ns)
			if err != nil {
				return nil, err
			}
			for _, o := range objects {
				unstructured.RemoveNestedField(o.Object, "metadata", "managedFields")
				text, err := yaml.Marshal(o.Object)
				if err != nil {
					return nil, err
				}
				name := fmt.Sprintf("%s/%s in namespace %s", strings.ToLower(kind), o.GetName(), ns)
				documents = append(documents, keptn.Document{Source: task.Source{Name: name, Format: format.Keptn}, Text: text, Fallback: true})
			}
		}
	}
	return documents, nil
}
