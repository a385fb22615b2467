package lagoon

import (
	"fmt"
	"strings"
	"testing"

	"github.com/PaesslerAG/gval"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// variablesOf is a named map type, as in Lagoon: gval itself rejects unknown names with it.
type variablesOf map[string]string

var known = variablesOf{"B": "main", "T": "true", "F": "false", "ONE": "1", "X": "yes", "EMPTY": ""}

func lookupKnown(name string) (Variable, bool) {
	v, ok := known[name]
	return Variable{Value: v, Origin: "test"}, ok
}

// TestWhen checks the rows of spec lagoon.md § 2c, and compares them with gval.
func TestWhen(t *testing.T) {
	tests := []struct {
		expression string
		want       string // "true", "false", or a part of the error
	}{
		{`B == "main"`, "true"},
		{"B == `main`", "true"},
		{`B == 'main'`, "parsing error"},
		{`ONE == 1`, "true"},
		{`T == true`, "true"},
		{`F == false`, "true"},
		{`T == "true"`, "true"},
		{`withDefault("NX", false) == false`, "true"},
		{`withDefault("T", false) == false`, "false"},
		{`withDefault("X", false) == false`, "false"},
		{`EMPTY == false`, "false"},
		{`NX == "a"`, "unknown parameter NX"},
		{`NX ?? "x"`, "unknown parameter NX"},
		{`exists("NX") && NX == "a"`, "false"},
		{`exists("B") && B == "main"`, "true"},
		{`exists(B)`, "false"}, // looks for a variable called main
		{`B == "main" || NX == 1`, "true"},
		{`NX == 1 || B == "main"`, "unknown parameter NX"},
		{`B in ["main","dev"]`, "true"},
		{`B in ["dev"]`, "false"},
		{`B =~ "^ma"`, "true"},
		{`B !~ "^ma"`, "false"},
		{`B =~ "("`, "missing closing )"},
		{`T == "true" and B == "main"`, "parsing error"},
		{`T == "true" or B == "main"`, "parsing error"},
		{`not T`, "parsing error"},
		{`T`, "expression doesn't evaluate to a boolean"},
		{`"true"`, "expression doesn't evaluate to a boolean"},
		{`5`, "expression doesn't evaluate to a boolean"},
		{`  `, "parsing error"},
		{`!T`, "false"},
		{`!F`, "true"},
		{`B.x == "a"`, "unknown parameter B.x"},
		{`B == "main" ? true : false`, "true"},
		{`true`, "true"},
		{`exists("B", "NX")`, "true"},
		{`exists("NX", "B")`, "false"},
		{`withDefault("B", 1, 2) == "main"`, "true"},
		{`withDefault("NX", "a", "b") == "a"`, "false"},
		{`withDefault("B") == "main"`, "true"},
		{`withDefault("NX") == "main"`, "false"},
	}
	for _, tt := range tests {
		t.Run(tt.expression, func(t *testing.T) {
			c := &condition{lookup: lookupKnown}
			got, err := c.evaluate(tt.expression)
			own := fmt.Sprint(got.holds)
			if err != nil {
				own = err.Error()
			}
			if !strings.Contains(own, tt.want) {
				t.Errorf("%s, want %s", own, tt.want)
			}
			if theirs := byGval(tt.expression); theirs != own && !strings.Contains(theirs, tt.want) {
				t.Errorf("gval says %s", theirs)
			}
		})
	}
}

// byGval evaluates an expression as Lagoon does, with gval's own selection of variables.
func byGval(expression string) string {
	value, err := gval.Evaluate(expression, known,
		gval.Function("exists", func(args ...any) (any, error) {
			_, ok := known[args[0].(string)]
			return ok, nil
		}),
		gval.Function("withDefault", func(args ...any) (any, error) {
			if v, ok := known[args[0].(string)]; ok {
				return v, nil
			}
			if len(args) == 2 {
				return args[1], nil
			}
			return nil, nil
		}))
	if err != nil {
		return err.Error()
	}
	if _, ok := value.(bool); !ok {
		return "expression doesn't evaluate to a boolean"
	}
	return fmt.Sprint(value)
}

func TestWhenNeverPanics(t *testing.T) {
	for _, expression := range []string{
		`exists()`, `exists(1)`, `exists("A", "B")`, `withDefault("A")`, `withDefault(1, 2)`, `B()`, `B(`, `[`, `{`, `{"a":`, "`", `"`, `B[`, `B["x"]`, `B.`,
		`T ? `, `1 / 0 == 1`, `date("x") == 1`, `!`, `- `, `a(b)(c)`, strings.Repeat("(", 4000), strings.Repeat("(", 5000), strings.Repeat("!", 4000) + "T",
	} {
		if got, err := (&condition{lookup: lookupKnown}).evaluate(expression); err == nil && got.reason == "" {
			t.Errorf("%.20s: neither a result nor an error", expression)
		}
	}
}

func TestWhenTells(t *testing.T) {
	secret := func(name string) (Variable, bool) {
		return Variable{Value: "hidden", Origin: "secret/lagoon-env", Secret: true}, name == "PASSWORD"
	}
	got, err := (&condition{lookup: secret}).evaluate(`exists("NX") || PASSWORD == "x" || PASSWORD != "y"`)
	if want := `exists("NX") || PASSWORD == "x" || PASSWORD != "y" is true: NX is not set, PASSWORD is (secret, from secret/lagoon-env)`; err != nil || got.reason != want {
		t.Errorf("%s, want %s; error %v", got.reason, want, err)
	}
}

func TestVariables(t *testing.T) {
	text := func(s string) func() string { return func() string { return s } }
	cluster := func(vars map[string]string) func(string) (Variable, bool) {
		return func(name string) (Variable, bool) {
			v, ok := vars[name]
			return Variable{Value: v, Origin: "cluster"}, ok
		}
	}
	tests := []struct {
		name   string
		facts  Facts
		file   string
		gitSHA bool
		want   map[string]string
	}{
		{
			name: "nothing is known", want: map[string]string{
				gitBranch: "", gitSafeBranch: "", project: "", environment: "", environmentType: "", "OTHER": "", gitSHA: noSHA, kubernetes: "",
			},
		},
		{
			name:  "from names and git",
			facts: Facts{Release: "web", Namespace: "shop-main", Context: "prod-1", Branch: text("feature/A_b"), Commit: text("c0ffee")},
			file:  "shop", want: map[string]string{
				project: "shop", environment: "main", environmentType: "production", gitBranch: "feature/A_b", gitSafeBranch: "feature-a-b", gitSHA: noSHA, kubernetes: "prod-1",
			},
		},
		{
			name: "the commit when it is asked for", facts: Facts{Release: "web", Namespace: "ns", Branch: text("dev"), Commit: text("c0ffee")}, gitSHA: true,
			want: map[string]string{project: "web", environment: "dev", environmentType: "development", gitSHA: "c0ffee"},
		},
		{
			name:  "the cluster wins over names, git over the cluster",
			facts: Facts{Release: "web", Namespace: "ns", Branch: text("dev"), Cluster: cluster(map[string]string{environmentType: "production", gitBranch: "old", "OTHER": "1"})},
			want:  map[string]string{environmentType: "production", gitBranch: "dev", "OTHER": "1"},
		},
		{
			name:  "the command line wins over all",
			facts: Facts{Variables: map[string]string{gitBranch: "given", environmentType: ""}, Branch: text("dev"), Cluster: cluster(map[string]string{environmentType: "production"})},
			want:  map[string]string{gitBranch: "given", environmentType: ""},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &parser{opts: Options{Facts: tt.facts}, project: tt.file, gitSHA: tt.gitSHA}
			for name, want := range tt.want {
				if got, _ := p.lookup(name); got.Value != want {
					t.Errorf("%s is %q (%s), want %q", name, got.Value, got.Origin, want)
				}
			}
		})
	}
}

func TestWhenOfTasks(t *testing.T) {
	const file = "tasks:\n  post-rollout:\n    - run: {name: a, service: cli, command: x, when: %s}\n"
	tests := []struct {
		name, when, errors string
		runs, looking      bool
		skip, tells        string
	}{
		{name: "true", when: `'B == "main"'`, runs: true, tells: `B == "main" is true: B is "main" (--var)`},
		{name: "false", when: `'B == "dev"'`, runs: true, skip: `B == "dev" is false: B is "main" (--var)`, tells: `B == "dev" is false: B is "main" (--var)`},
		{name: "a YAML boolean", when: "true", runs: true, tells: "true is true"},
		{name: "unknown", when: `'NX == "a"'`, runs: true, errors: `f.yml:3:54: when of task "post-rollout/a": unknown parameter NX (Lagoon fails the deployment here)
hint: pass --var NX=…, or write exists("NX") && … before it`},
		{name: "unknown, and not run", when: `'NX == "a"'`},
		{name: "unknown, and only looked at", when: `'NX == "a"'`, runs: true, looking: true},
		{name: "single quotes", when: `"B == 'main'"`, looking: true, errors: "write a string in double quotes or backticks"},
		{name: "words", when: `'exists("B") and T'`, runs: true, errors: "write && for and"},
		{name: "no boolean", when: "B", runs: true, errors: `compare it: B == "main"`},
		{name: "no boolean either", when: "5", runs: true, errors: `expression doesn't evaluate to a boolean: it is 5`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse(fmt.Appendf(nil, file, tt.when), Options{
				Source: task.Source{Name: "f.yml"}, Lenient: tt.looking, Runs: func(string, task.Phase) bool { return tt.runs },
				Facts: Facts{Variables: map[string]string{"B": "main"}},
			})
			if err := found.Err(); err != nil {
				if tt.errors == "" || !strings.Contains(err.Error(), tt.errors) {
					t.Errorf("%v, want %s", err, tt.errors)
				}
				return
			}
			if tt.errors != "" {
				t.Fatalf("no error, want %s", tt.errors)
			}
			if tasks[0].Skip != tt.skip || tasks[0].When != tt.tells {
				t.Errorf("skip %q, tells %q; want %q, %q", tasks[0].Skip, tasks[0].When, tt.skip, tt.tells)
			}
		})
	}
}
