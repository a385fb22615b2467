package lagoon

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestToCEL(t *testing.T) {
	tests := []struct{ expression, want string }{
		{`B == "main"`, `params.B == "main"`},
		{"B == `ma\"in`", `params.B == "ma\"in"`},
		{`ONE == 1 && T != true`, `params.ONE == "1" && params.T != "true"`},
		{`exists("X") && X == "a"`, `params.X != "" && params.X == "a"`},
		{`!exists("X")`, `!(params.X != "")`},
		{`!(A == "a" || B == "b") && C == "c"`, `!(params.A == "a" || params.B == "b") && params.C == "c"`},
		{`withDefault("X", false) == false`, `(params.X != "" ? params.X : "false") == "false"`},
		{`B in ["main","dev"]`, `params.B in ["main", "dev"]`},
		{`B =~ "^ma"`, `params.B.matches("^ma")`},
		{`B !~ "^ma"`, `!params.B.matches("^ma")`},
		{`T`, "error: it ends too early"},
		{`!T`, "error: it ends too early"},
		{`T && B == "a"`, `error: "&&" is not translated`},
		{`ONE < 2`, `error: "<" is not translated`},
		{`A == "a" ? true : false`, `error: "?" is not translated`},
		{`exists(B)`, `error: "B" is not translated`},
		{`B in C`, `error: "C" is not translated`},
		{`B == 'a'`, `params.B == "a"`}, // a string of one letter may be in single quotes
		{`B == 'ab'`, "error: parsing error"},
	}
	for _, tt := range tests {
		got, _, err := toCEL(tt.expression)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s: %s, want %s", tt.expression, got, tt.want)
		}
	}
	_, params, err := toCEL(`B == "a" && exists("A") && B == A`)
	if diff := cmp.Diff([]string{"A", "B"}, params); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestConvert(t *testing.T) {
	const file = `tasks:
  pre-rollout:
    - run: {name: a, service: cli, command: x, when: SITE == "main"}
  post-rollout:
    - run: {name: b, service: nginx, container: php, shell: bash, command: z, when: 1 < 2}
`
	c, found := Convert([]byte(file), Options{Source: task.Source{Name: "f"}})
	if want := `warning f:5:7: the condition of "post-rollout/b" is not converted, and the task will not run until you write one: "<" is not translated`; say(found) != want {
		t.Errorf("%s, want %s", say(found), want)
	}
	want := []task.Executor{
		task.Exec{Command: task.Command{Argv: []string{"sh", "-c", "x"}, Text: "x"}, Target: "deployment/cli", Scale: true},
		task.Exec{Command: task.Command{Argv: []string{"bash", "-c", "z"}, Text: "z"}, Target: "deployment/nginx", Container: "php", Scale: true},
	}
	for i, w := range want {
		if diff := cmp.Diff(w, c.Tasks[i].Executor); diff != "" {
			t.Error(diff)
		}
	}
	if c.Tasks[0].Phase != task.PreUpgrade || c.Tasks[1].Phase != task.PostDeploy {
		t.Errorf("%+v", c.Tasks)
	}
	if diff := cmp.Diff(map[string]string{"pre-rollout/a": `params.SITE == "main"`, "post-rollout/b": "false"}, c.When); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"SITE"}, c.Params); diff != "" {
		t.Error(diff)
	}

	// Arguments of a command become parameters in its environment.
	c, found = Convert([]byte(commandDefinition), Options{})
	clone := c.Tasks[0].Executor.(task.Clone)
	if len(found) > 0 || clone.From != "deployment/cli" || clone.Argv()[0] != "sh" {
		t.Errorf("%+v %v", clone, found)
	}
	if diff := cmp.Diff([]string{"WHO=" + Param("WHO"), "TIMES=" + Param("TIMES"), "NOTE=" + Param("NOTE"), "CRONJOBS="}, env(clone.Env)); diff != "" {
		t.Error(diff)
	}
	// The arguments of an image become its payload, which cannot be converted.
	_, found = Convert([]byte("{name: a, type: IMAGE, image: i, advancedTaskDefinitionArguments: [{name: X, type: STRING}]}"), Options{})
	if err := found.Err(); err == nil || !strings.Contains(err.Error(), "gets its arguments as a payload") {
		t.Error(err)
	}
}
