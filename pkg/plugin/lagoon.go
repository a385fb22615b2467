package plugin

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// lagoonFlags are about tasks of Lagoon.
type lagoonFlags struct {
	vars         []string
	varFile      string
	compat       bool
	serviceLabel string
}

// addSource adds the flags about reading tasks.
func (l *lagoonFlags) addSource(fs *pflag.FlagSet) {
	fs.StringArrayVar(&l.vars, "var", nil, "a variable of Lagoon, as NAME=VALUE, for the conditions of a .lagoon.yml and the pods of Lagoon's tasks (can specify multiple)")
	fs.StringVar(&l.varFile, "var-file", "", "a file with variables of Lagoon, as lines NAME=VALUE or as YAML; --var wins over it")
}

// addRun adds the flags about running tasks.
func (l *lagoonFlags) addRun(fs *pflag.FlagSet) {
	fs.BoolVar(&l.compat, "lagoon-compat", false, "run standard tasks of Lagoon in every container, and only with Lagoon's entrypoint, as Lagoon does")
	fs.StringVar(&l.serviceLabel, "lagoon-service-label", "", "the label that names the service of a workload (default "+task.ServiceLabel+")")
}

// given returns the variables of the command line.
func (l *lagoonFlags) given() (map[string]string, error) {
	given := map[string]string{}
	if l.varFile != "" {
		text, err := os.ReadFile(l.varFile)
		if err != nil {
			return nil, err
		}
		if given, err = readVars(l.varFile, text); err != nil {
			return nil, err
		}
	}
	for _, v := range l.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--var is %q; write NAME=VALUE", v)
		}
		given[name] = value
	}
	return given, nil
}

// readVars reads a file with variables: YAML or JSON when its name says so, else lines.
func readVars(name string, text []byte) (map[string]string, error) {
	given := map[string]string{}
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		if err := yaml.UnmarshalStrict(text, &given); err != nil {
			return nil, fmt.Errorf("%s: variables are NAME: VALUE, each value a string: %w", name, err)
		}
		return given, nil
	}
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if trimmed := bytes.TrimSpace(line); len(trimmed) == 0 || trimmed[0] == '#' {
			continue
		}
		name1, value, ok := strings.Cut(strings.TrimLeft(string(line), " \t"), "=")
		if !ok || name1 == "" {
			return nil, fmt.Errorf("%s:%d: this is no variable; write NAME=VALUE", name, number)
		}
		given[name1] = value
	}
	return given, nil
}

// lagoonOptions are what reading a document of Lagoon depends on.
func (o parseOptions) lagoonOptions() lagoon.Options {
	f := lagoon.Facts{
		Operation: o.facts.Operation, Release: o.facts.Release, Namespace: o.facts.Namespace, Given: o.vars,
		Branch: sync.OnceValue(func() string { return git("symbolic-ref", "--short", "-q", "HEAD") }),
		Commit: sync.OnceValue(func() string { return git("rev-parse", "HEAD") }),
	}
	if o.env != nil {
		f.Context, f.Cluster = o.env.contextName(), o.env.lookup
	}
	options := lagoon.Options{Facts: f, Runs: o.runs, Looking: o.lenient, Arguments: o.facts.Params, Timeout: o.taskTimeout, Compat: o.lagoon.compat, ServiceLabel: o.lagoon.serviceLabel}
	options.Override, _ = o.getenv("LAGOON_YAML_OVERRIDE")
	return options
}

func parseLagoon(d source.Document, o parseOptions) ([]task.Task, task.Diagnostics) {
	options := o.lagoonOptions()
	options.Source, options.ReadFile = d.Source, d.ReadFile
	return lagoon.Parse(d.Text, options)
}

// gitTimeout is how long git may take to say where the user stands.
const gitTimeout = 5 * time.Second

// git returns what git says about the working directory; "" when it says nothing.
func git(args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), gitTimeout)
	defer cancel()
	text, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// lagoonEnv looks Lagoon's variables up in a namespace: in what Lagoon keeps there for its pods, and in
// the labels of the namespace. It asks the cluster when it is first asked.
type lagoonEnv struct {
	client    *kube.Client
	namespace string
	note      func(string)

	load sync.Once
	vars map[string]lagoon.Variable
	err  error
}

// newLagoonEnv returns nil when there is no cluster to ask.
func (a *App) newLagoonEnv(client *kube.Client, namespace string) *lagoonEnv {
	if _, err := client.RESTConfig(); err != nil {
		return nil
	}
	return &lagoonEnv{client: client, namespace: namespace, note: a.tell}
}

func (e *lagoonEnv) contextName() string {
	name, _ := e.client.ContextName() // a name to show; without it nothing is lost
	return name
}

// lookup returns a variable, or the value of a label of the namespace.
func (e *lagoonEnv) lookup(name string) (lagoon.Variable, bool) {
	e.load.Do(func() {
		e.vars = map[string]lagoon.Variable{}
		ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
		defer cancel()
		e.err = e.read(ctx)
	})
	v, ok := e.vars[name]
	return v, ok
}

// lookupTimeout is how long the cluster may take to tell the variables.
const lookupTimeout = 30 * time.Second

// fromLabels are the variables that Lagoon tells by labels of the namespace.
var fromLabels = map[string]string{
	"lagoon.sh/project": "LAGOON_PROJECT", "lagoon.sh/environment": "LAGOON_ENVIRONMENT", "lagoon.sh/environmentType": "LAGOON_ENVIRONMENT_TYPE",
}

// read fills the variables; what comes later wins.
func (e *lagoonEnv) read(ctx context.Context) error {
	client, err := e.client.Interface()
	if err != nil {
		return err
	}
	ns, err := client.CoreV1().Namespaces().Get(ctx, e.namespace, metav1.GetOptions{})
	if err := e.tolerate(err, "the labels"); err != nil {
		return err
	}
	if err == nil {
		for label, value := range ns.Labels {
			v := lagoon.Variable{Value: value, Origin: "the namespace's labels"}
			e.vars[label] = v
			if name := fromLabels[label]; name != "" {
				e.vars[name] = v
			}
		}
	}
	for _, name := range []string{"lagoon-platform-env", "lagoon-env"} {
		secret, err := client.CoreV1().Secrets(e.namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsForbidden(err) {
			e.note(fmt.Sprintf("not allowed to read secret %s in namespace %q: variables in it are not seen", name, e.namespace))
		}
		if err := e.tolerate(err, "secret "+name); err != nil {
			return err
		}
		if err == nil {
			for key, value := range secret.Data {
				e.vars[key] = lagoon.Variable{Value: string(value), Origin: "secret/" + name, Secret: true}
			}
			continue
		}
		if name != "lagoon-env" {
			continue
		}
		config, err := client.CoreV1().ConfigMaps(e.namespace).Get(ctx, name, metav1.GetOptions{})
		if err := e.tolerate(err, "configmap "+name); err != nil {
			return err
		}
		if err == nil {
			for key, value := range config.Data {
				e.vars[key] = lagoon.Variable{Value: value, Origin: "configmap/" + name}
			}
		}
	}
	return nil
}

// tolerate returns nil when something is not there, or not to be seen.
func (e *lagoonEnv) tolerate(err error, what string) error {
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil
	}
	return fmt.Errorf("looking for variables of Lagoon in %s of namespace %q: %w", what, e.namespace, err)
}
