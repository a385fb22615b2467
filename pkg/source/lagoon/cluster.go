package lagoon

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Cluster looks up Lagoon's variables in a namespace: in the Secrets and ConfigMaps that Lagoon writes
// for its pods, and in the labels of the namespace. The cluster is read once, at the first lookup.
type Cluster struct {
	client    *kube.Client
	namespace string
	note      func(string)

	load sync.Once
	vars map[string]lagoon.Variable
	err  error
}

// NewCluster returns the variables of a namespace; nil when the client has no configuration. note gets a
// message for each Secret that may not be read.
func NewCluster(client *kube.Client, namespace string, note func(string)) *Cluster {
	if _, err := client.RESTConfig(); err != nil {
		return nil
	}
	return &Cluster{client: client, namespace: namespace, note: note}
}

// AddTo adds what the cluster knows to the options of Lagoon's format. c may be nil.
func (c *Cluster) AddTo(o *format.LagoonOptions) {
	if c != nil {
		o.Context, _ = c.client.ContextName() // a name to show; without it nothing is lost
		o.Cluster = c.Lookup
	}
}

// Err returns why a lookup failed; nil when none did. c may be nil.
func (c *Cluster) Err() error {
	if c == nil {
		return nil
	}
	return c.err
}

// Lookup returns the variable of that name, or the value of a label of the namespace. It returns false
// when there is none, and after an error (see Err).
func (c *Cluster) Lookup(name string) (lagoon.Variable, bool) {
	c.load.Do(func() {
		c.vars = map[string]lagoon.Variable{}
		ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
		defer cancel()
		c.err = c.read(ctx)
	})
	v, ok := c.vars[name]
	return v, ok
}

// lookupTimeout limits reading the variables from the cluster.
const lookupTimeout = 30 * time.Second

// fromLabels are the variables that Lagoon writes to labels of the namespace.
var fromLabels = map[string]string{
	"lagoon.sh/project": "LAGOON_PROJECT", "lagoon.sh/environment": "LAGOON_ENVIRONMENT", "lagoon.sh/environmentType": "LAGOON_ENVIRONMENT_TYPE",
}

// read fills the variables. Later sources override earlier ones.
func (c *Cluster) read(ctx context.Context) error {
	client, err := c.client.Interface()
	if err != nil {
		return err
	}
	ns, err := client.CoreV1().Namespaces().Get(ctx, c.namespace, metav1.GetOptions{})
	if err := c.tolerate(err, "the labels"); err != nil {
		return err
	}
	if err == nil {
		for label, value := range ns.Labels {
			v := lagoon.Variable{Value: value, Origin: "the namespace's labels"}
			c.vars[label] = v
			if name := fromLabels[label]; name != "" {
				c.vars[name] = v
			}
		}
	}
	for _, name := range []string{"lagoon-platform-env", "lagoon-env"} {
		secret, err := client.CoreV1().Secrets(c.namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsForbidden(err) {
			c.note(fmt.Sprintf("not allowed to read secret %s in namespace %q: variables in it are ignored", name, c.namespace))
		}
		if err := c.tolerate(err, "secret "+name); err != nil {
			return err
		}
		if err == nil {
			for key, value := range secret.Data {
				c.vars[key] = lagoon.Variable{Value: string(value), Origin: "secret/" + name, Secret: true}
			}
			continue
		}
		if name != "lagoon-env" {
			continue
		}
		config, err := client.CoreV1().ConfigMaps(c.namespace).Get(ctx, name, metav1.GetOptions{})
		if err := c.tolerate(err, "configmap "+name); err != nil {
			return err
		}
		if err == nil {
			for key, value := range config.Data {
				c.vars[key] = lagoon.Variable{Value: value, Origin: "configmap/" + name}
			}
		}
	}
	return nil
}

// tolerate returns nil when an object does not exist or may not be read.
func (c *Cluster) tolerate(err error, object string) error {
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil
	}
	return fmt.Errorf("reading variables of Lagoon in %s of namespace %q: %w", object, c.namespace, err)
}
