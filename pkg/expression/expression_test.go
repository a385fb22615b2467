package expression

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

var facts = Facts{
	Operation: task.Upgrade, Phase: task.PostDeploy, Release: "web", Namespace: "shop",
	Params: map[string]string{"SIZE": "large", "N": "3"},
}

func TestBool(t *testing.T) {
	for condition, want := range map[string]bool{
		`operation == "upgrade"`: true, `operation == "install" || params.SIZE == "large"`: true,
		`phase.startsWith("pre")`: false, `release.name in ["web", "api"]`: true, `int(params.N) > 2`: true,
		`"none" in params`: false, `true`: true,
	} {
		if got, err := Bool(condition, facts); got != want || err != nil {
			t.Errorf("%s: %v, error %v", condition, got, err)
		}
	}
	for condition, want := range map[string]string{
		`operation`:       `"operation" is not a condition: its value is upgrade, not true or false`,
		`operaton == ""`:  `"operaton == \"\"": undeclared reference to 'operaton'`,
		`params.NO == ""`: `"params.NO == \"\"": no such key: NO`,
		`1 == "a"`:        `"1 == \"a\"": found no matching overload`,
		`(`:               `"(": Syntax error`,
		`[1,2,3].map(a, [1,2,3].map(b, b)).size() == "x"`: "",
	} {
		if _, err := Bool(condition, facts); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", condition, err, want)
		}
	}
}

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{
		"plain $HOME $1": "plain $HOME $1", "${release.name}-${params.SIZE}": "web-large",
		"$${HOME}": "${HOME}", `${ {"a": "}"}["a"] }`: "}", `${'}' + "\"}"}`: `}"}`, "${1 + 2}": "3", "${true}": "true",
	} {
		if got, err := Expand(text, facts); got != want || err != nil {
			t.Errorf("%s: %q, error %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"${HOME}": `"HOME": undeclared reference to 'HOME'`, "a ${b": "${b is not closed; write $${ for a literal ${", "${}": `"": Syntax error`,
	} {
		if _, err := Expand(text, facts); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}

// lateFacts are facts that are known only during a run.
var lateFacts = Facts{
	Values: func() (map[string]any, error) {
		return map[string]any{"image": map[string]any{"tag": "1.2", "replicas": 3.0}, "list": []any{"a"}}, nil
	},
	Getenv: func(name string) (string, bool) { return "value of " + name, name == "CI" },
	Deferred: task.Values{Run: task.Failed, Tasks: map[string]task.Outcome{
		"migrate":  {State: task.Succeeded, ExitCode: new(0), Outputs: map[string]task.Value{"schema": {Value: "7"}, "n": {Value: 2.5}}},
		"db-dump":  {State: task.Failed, ExitCode: new(3)},
		"not-done": {State: task.NotRun},
	}},
}

func TestReferences(t *testing.T) {
	for text, want := range map[string]string{
		"${tasks.migrate.outputs.schema}":                                             "7",
		`${tasks["db-dump"].status} ${tasks["db-dump"].exitCode}`:                     "Failed 3",
		"${tasks.migrate.outputs.n * 2.0}":                                            "5",
		"${has(tasks.migrate.outputs.nothing)}":                                       "false",
		`${has(tasks["not-done"].outputs.nothing)}`:                                   "false",
		`${tasks["not-done"].status == "NotRun" ? "-" : tasks["not-done"].outputs.x}`: "-",
		"${run.status}":                           "Failed",
		"${values.image.tag}":                     "1.2",
		"${values.image.replicas} ${values.list}": `3 ["a"]`,
		"${env.CI} ${has(env.HOME)}":              "value of CI false",
	} {
		if got, err := Expand(text, lateFacts); got != want || err != nil {
			t.Errorf("%s: %q, error %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"${tasks.migrate.outputs.nothing}":    `"tasks.migrate.outputs.nothing": no such key: nothing; for`,
		`${tasks["not-done"].outputs.schema}`: `no such key: schema; task "not-done" has no outputs, it is NotRun;`,
		"${tasks.size()}":                     `write tasks.NAME or tasks["NAME"]`,
		`${env[params.X]}`:                    "write env.NAME",
		"${env.HOME}":                         "no such key: HOME",
		"${release.nmae}":                     `"release.nmae": there is no release.nmae; did you mean "name"?`,
		`${release["x"]}`:                     `there is no release.x; there are name, namespace`,
		"${run.stauts}":                       `there is no run.stauts; did you mean "status"?`,
		"${tasks.migrate.sattus}":             `there is no tasks.migrate.sattus; did you mean "status"?`,
		`${has(tasks["db-dump"].exitcode)}`:   `there is no tasks.db-dump.exitcode; did you mean "exitCode"?`,
	} {
		if _, err := Expand(text, lateFacts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}

func TestIn(t *testing.T) {
	refer, err := ReferencesIn(`a ${tasks.a.outputs.x}${tasks["b-c"].status} ${env.CI + env["HOME"]} $${tasks.no.outputs.x}`)
	want := References{
		Tasks: []task.Read{{Task: "a", Output: "x"}, {Task: "b-c"}}, Env: []string{"CI", "HOME"},
		unconditional: [][]string{{"env", "CI"}, {"env", "HOME"}},
	}
	if diff := cmp.Diff(want, refer, cmp.AllowUnexported(References{})); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if refer, err := ReferencesOf(`run.status == "Failed"`); !refer.Deferred() || err != nil {
		t.Errorf("%+v, error %v", refer, err)
	}
	if refer, err := ReferencesOf(`operation == "run"`); refer.Deferred() || err != nil {
		t.Errorf("%+v, error %v", refer, err)
	}
}

// A macro's own variable may have the name of a fact.
func TestLocal(t *testing.T) {
	for text, want := range map[string]string{
		"${[{'x': 1}].map(release, release.x)}": "[1]", "${[release].map(run, run.name)}": `["web"]`, "${[1, 2].filter(env, env > 1)}": "[2]",
	} {
		if got, err := Expand(text, facts); got != want || err != nil {
			t.Errorf("%s: %q, error %v", text, got, err)
		}
	}
}

func TestOf(t *testing.T) {
	for condition, want := range map[string]string{
		`operation`:                 `"operation" is not a condition: its type is string, not bool`,
		`params.SIZE + "x"`:         `"params.SIZE + \"x\"" is not a condition: its type is string, not bool`,
		`tasks.a.status`:            "",
		`values.enabled`:            "",
		`operation in ["a"]`:        "",
		`release.nam == "x"`:        `"release.nam == \"x\"": there is no release.nam; did you mean "name"?`,
		`tasks.a.outputs`:           "",
		`1 + tasks.a.exitCode == 2`: "",
	} {
		_, err := ReferencesOf(condition)
		if got := fmt.Sprint(err); got != want && (err != nil || want != "") {
			t.Errorf("%s: error %v, want %s", condition, err, want)
		}
	}
}

// The values that a deferred expression reads are checked before the run.
func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		"${values.image.tag + tasks.a.outputs.x}":           "",
		"${values.image.tga + tasks.a.outputs.x}":           "there is no values.image.tga",
		"${tasks.a.outputs.x + values.imag.tag}":            "there is no values.imag",
		"${tasks.a.outputs.x}${values.image.tag.x}":         "there is no values.image.tag.x",
		`${has(values.x) ? values.x : tasks.a.status}`:      "",
		`${values.x ? "a" : tasks.a.status}`:                "there is no values.x",
		`${run.status == "Failed" && values.x == 1}`:        "",
		`${run.status == "Failed" || values.x == 1}`:        "",
		`${[1].exists(x, values.y == x) ? run.status : ""}`: "",
		`${values["image"]["tag"] + run.status}`:            "",
		`${env.CI + run.status}`:                            "",
		`${env.HOME + run.status}`:                          "there is no env.HOME",
	} {
		refer, err := ReferencesIn(text)
		if err == nil {
			err = lateFacts.Check(refer)
		}
		if got := fmt.Sprint(err); got != want && (err != nil || want != "") {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
	refer, _ := ReferencesIn("${values.image.tag + run.status}")
	if err := facts.Check(refer); err == nil || err.Error() != "there is no release to read values from; name one" {
		t.Errorf("error %v", err)
	}
}

// TestCost: an endless expression is stopped.
func TestCost(t *testing.T) {
	list := "[0,1,2,3,4,5,6,7,8,9]"
	deep := "1"
	for _, v := range "abcdefgh" {
		deep = list + ".map(" + string(v) + ", " + deep + ")"
	}
	if _, err := Bool(deep+".size() == 10", facts); err == nil || !strings.Contains(err.Error(), "cost limit") {
		t.Errorf("error %v", err)
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("a ${params.SIZE} $${b} ${ {'a': 1}.a }")
	f.Add("${[1].map(x, x).exists(y, y > 0)}")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = Expand(text, facts)
		_, _ = Bool(text, facts)
	})
}

// TestNumbers: a number of the values is the same in ${…} and in string(), whether Helm read it from a file or from
// --set, and no digit is made up.
func TestNumbers(t *testing.T) {
	given := Facts{Values: func() (map[string]any, error) {
		return map[string]any{
			"build": 1234567.0, "set": int64(1234567), "small": 3.0, "ratio": 1234567.5, "minus": -20000000.0,
			"file": 9007199254740993.0, "exact": int64(9007199254740993), "list": []any{1234567.0, map[string]any{"n": 20000000.0}},
		}, nil
	}}
	for text, want := range map[string]string{
		"${values.build} ${string(values.build)}":                   "1234567 1234567",
		"${values.set} ${string(values.set)}":                       "1234567 1234567",
		"${values.minus} v${string(values.minus)}":                  "-20000000 v-20000000",
		"${values.ratio} ${string(values.ratio)}":                   "1.2345675e+06 1.2345675e+06",
		"${values.file} ${string(values.file)}":                     "9.007199254740992e+15 9.007199254740992e+15",
		"${values.exact} ${string(values.exact)} ${[values.exact]}": "9007199254740993 9007199254740993 [9007199254740993]",
		"${values.list}": `[1234567,{"n":20000000}]`,
		"${string(values.list[0])} ${string(values.list[1].n)}": "1234567 20000000",
		"${values.small + 1} ${values.small > 2.5}":             "4 true",
		"${values.small == 3.0} ${values.small / 2}":            "true 1",
		"${double(values.small) * 1.5} ${9007199254740993}":     "4.5 9007199254740993",
		"${18446744073709551615u} ${1e300}":                     "18446744073709551615 1e+300",
		`${ {"a": 1, 2: [1.5, null]} }`:                         `{"2":[1.5,null],"a":1}`,
	} {
		if got, err := Expand(text, given); got != want || err != nil {
			t.Errorf("%s: %q, error %v, want %q", text, got, err, want)
		}
	}
}
