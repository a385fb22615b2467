package lagoon

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const commandDefinition = `{
  "id": 5, "name": "Say Hello", "type": "COMMAND", "service": "cli", "command": "echo \"$WHO\" $TIMES $NOTE", "confirmationText": "Really?",
  "advancedTaskDefinitionArguments": [
    {"name": "WHO", "type": "STRING", "displayName": "Whom"},
    {"name": "TIMES", "type": "NUMERIC", "defaultValue": "1"},
    {"name": "NOTE", "type": "STRING", "optional": true}
  ]
}`

func TestCommandDefinition(t *testing.T) {
	tests := []struct {
		name      string
		arguments map[string]string
		want      string
	}{
		{"defaults", map[string]string{"WHO": "you"}, `WHO='you' TIMES='1'; echo "$WHO" $TIMES $NOTE`},
		{"what a shell would run is data", map[string]string{"WHO": `"; rm -rf /; '$(id)` + "`x`", "TIMES": "2.5"}, `WHO='"; rm -rf /; '\''$(id)` + "`x`" + `' TIMES='2.5'; echo "$WHO" $TIMES $NOTE`},
		{"empty", map[string]string{"WHO": "", "NOTE": "n"}, `WHO='' TIMES='1' NOTE='n'; echo "$WHO" $TIMES $NOTE`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse([]byte(commandDefinition), Options{Arguments: tt.arguments})
			if len(found) > 0 {
				t.Fatal(found)
			}
			e := tasks[0].Executor.(task.Standard)
			if got := e.Argv()[2]; got != tt.want || tasks[0].Name != "Say Hello" || tasks[0].Confirm != "Really?" || e.Labels["lagoon.sh/taskName"] != "say-hello" {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if got, err := exec.Command(e.Argv()[0], e.Argv()[1:]...).Output(); err != nil || !strings.HasPrefix(string(got), tt.arguments["WHO"]+" ") {
				t.Errorf("the shell says %q, error %v", got, err)
			}
		})
	}
}

func TestImageDefinition(t *testing.T) {
	// The response of the API.
	const file = `data:
  advancedTasksForEnvironment:
  - name: one
    type: IMAGE
    image: i:1
    deployTokenInjection: true
    projectKeyInjection: 1
    advancedTaskDefinitionArguments:
    - {name: from-env, type: ENVIRONMENT_SOURCE_NAME}
  - {name: two, type: IMAGE, image: i:2}
`
	tasks, found := Parse([]byte(file), Options{
		Source: task.Source{Name: "f"}, Arguments: map[string]string{"from-env": "main"},
		Facts: Facts{Release: "shop", Namespace: "shop-dev"},
	})
	if diff := cmp.Diff(`warning f:3:5: argument type ENVIRONMENT_SOURCE_NAME needs the Lagoon API; the value "main" of from-env is accepted unchecked`, say(found)); diff != "" {
		t.Error(diff)
	}
	if len(tasks) != 2 || tasks[1].Name != "two" {
		t.Fatal(tasks)
	}
	got := tasks[0].Executor.(task.Advanced)
	if got.Image != "i:1" || got.Payload != encode(`{"from-env":"main"}`) || !got.DeployerToken || !got.SSHKey || got.VolumeMounts {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{"LAGOON_PROJECT=shop", "LAGOON_GIT_BRANCH=dev"}, env(got.Env)); diff != "" {
		t.Error(diff)
	}
	if got := tasks[1].Executor.(task.Advanced).Payload; got != "e30=" {
		t.Errorf("without arguments the payload is %s", got)
	}
}

func TestBadDefinitions(t *testing.T) {
	tests := []struct {
		name, file, want string
		arguments        map[string]string
	}{
		{name: "a missing argument", file: commandDefinition, want: "f:1:1: definition \"Say Hello\" needs the argument WHO (Whom)\nhint: add --param WHO=…"},
		{name: "no number", file: commandDefinition, arguments: map[string]string{"WHO": "x", "TIMES": "1e3"}, want: `argument TIMES of definition "Say Hello" is "1e3", which is not a number`},
		{name: "NUL", file: commandDefinition, arguments: map[string]string{"WHO": "\x00"}, want: "has a NUL character"},
		{name: "another type", file: "name: a\ntype: COMMAND2\ncommand: x\nx: {type: COMMAND}", want: `f:2:7: definition "a" is of type "COMMAND2"; the types are COMMAND and IMAGE`},
		{name: "no command", file: "{name: a, type: COMMAND, service: cli}", want: "which needs a command and a service"},
		{name: "no image", file: "{name: a, type: IMAGE}", want: "which needs an image"},
		{name: "no name", file: "{name: '', type: IMAGE}", want: "the definition has no name"},
		{name: "nothing there", file: "{a: {type: IMAGE}}", want: "the file has no definition of a task; a definition has a name and a type"},
		{name: "twice", file: "[{name: a, type: IMAGE, image: i}, {name: a, type: IMAGE, image: i}]", want: `the definition "a" is defined twice`},
		{name: "an argument of another type", file: "{name: a, type: IMAGE, image: i, advancedTaskDefinitionArguments: [{name: x, type: DATE}]}", want: `argument "x" of definition "a" is of type "DATE"; the types are STRING, NUMERIC`},
		{name: "a name that no variable can have", file: "{name: a, type: COMMAND, command: c, service: cli, advancedTaskDefinitionArguments: [{name: 'x; rm', type: STRING, defaultValue: y}]}", want: `argument "x; rm" of definition "a" is not the name of a shell variable`},
		{name: "not JSON", file: `{"type": "IMAGE"`, want: "f:1: not JSON or YAML: did not find"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse([]byte(tt.file), Options{Source: task.Source{Name: "f"}, Arguments: tt.arguments})
			if err := found.Err(); err == nil || !strings.Contains(err.Error(), tt.want) || len(tasks) > 0 {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
	if tasks, found := Parse([]byte(commandDefinition), Options{Lenient: true}); len(tasks) != 1 || len(found) > 0 {
		t.Errorf("who only looks need give no arguments: %v", found)
	}
}

func TestParameters(t *testing.T) {
	if diff := cmp.Diff([]string{"NOTE", "TIMES", "WHO"}, Parameters([]byte(commandDefinition))); diff != "" {
		t.Error(diff)
	}
	if got := Parameters([]byte("tasks: {}")); got != nil {
		t.Error(got)
	}
}

func TestBuiltIn(t *testing.T) {
	if got, err := BuiltIn("cron"); got != "drush cron" || err != nil {
		t.Error(got, err)
	}
	for name, want := range map[string]string{
		"sql-dump": `"sql-dump" needs Lagoon's API`, "odd": `Lagoon has no built-in task "odd"; the tasks are cache-clear, cron, uli`,
	} {
		if _, err := BuiltIn(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestRecognises(t *testing.T) {
	for text, want := range map[string]bool{
		"tasks:\n  pre-rollout:\n": true, "shop:\n  tasks:\n    post-rollout: []": true, "kind: LagoonTask": true, `{"kind":"LagoonTask"}`: true,
		commandDefinition: true, "docker-compose-yaml: x\nroutes: {}": false, "": false, "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks": false, "type: Opaque": false,
	} {
		if got := Recognises([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"tasks:\n  pre-rollout:\n    - run: {name: a, service: cli, command: x, when: B == \"a\"}\n", commandDefinition,
		"apiVersion: crd.lagoon.sh/v1beta2\nkind: LagoonTask\nspec: {task: {service: a, command: b}}\n", "a: &a [*a]\ntasks: *a", "tasks:\n  post-rollout:\n    - run:\n      name: x\n",
		"x: &x {run: *x}\ntasks: {pre-rollout: [*x]}", "routes: [\ntasks:\n  pre-rollout: []\n",
	} {
		f.Add([]byte(seed), "B")
	}
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		options := Options{Source: task.Source{Name: "f"}, Facts: Facts{Variables: map[string]string{name: "a"}, Release: "r"}, Arguments: map[string]string{name: "v"}}
		tasks, found := Parse(text, options)
		if found.Err() != nil && len(tasks) > 0 {
			t.Error("tasks beside errors")
		}
		names := map[string]bool{}
		for _, one := range tasks {
			if err := one.Validate(); err != nil {
				t.Error(err)
			}
			if names[one.Name] && !resourceKind.Match(text) { // resources are named by their authors
				t.Errorf("two tasks are called %q", one.Name)
			}
			names[one.Name] = true
		}
		Parameters(text)
	})
}
