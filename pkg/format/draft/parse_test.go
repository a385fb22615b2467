package draft

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// parse parses with a fixed environment and returns the tasks as "name: argv joined by |" and
// the findings as "severity line:column message".
func parse(t *testing.T, text string, change func(*Options)) (tasks, findings []string) {
	t.Helper()
	opts := Options{
		Source: task.Source{Name: FileName, Format: "draft", Trusted: true},
		Getenv: func(name string) (string, bool) {
			v, ok := map[string]string{"HOME": "/home/user", "TWO": "a b"}[name]
			return v, ok
		},
	}
	if change != nil {
		change(&opts)
	}
	parsed, found := Parse([]byte(text), opts)
	for _, p := range parsed {
		if err := p.Validate(); err != nil {
			t.Errorf("invalid task: %v", err)
		}
		tasks = append(tasks, p.Name+": "+strings.Join(p.Executor.Argv(), "|"))
	}
	for _, f := range found {
		at := strings.TrimPrefix(f.Position.String(), FileName+":")
		findings = append(findings, string(f.Severity)+" "+at+" "+f.Message)
	}
	return tasks, findings
}

// The rows are those of spec draft.md § 1.1, "Parsing details", with our deviations of § 1.4.
func TestParse(t *testing.T) {
	tests := []struct {
		name     string
		text     string
		tasks    []string
		findings []string
	}{
		{name: "empty file", text: ""},
		{name: "only comments", text: "# nothing\n"},
		{name: "table with only comments", text: "[pre-up]\n# nothing\n"},
		{
			name:  "the four tables",
			text:  "[pre-up]\na = \"echo 1\"\n[post-deploy]\nb = \"echo 2\"\n[cleanup]\nc = \"echo 3\"\n[post-up]\nd = \"echo 4\"\n",
			tasks: []string{"pre-up/a: echo|1", "post-deploy/b: echo|2", "cleanup/c: echo|3", "post-up/d: echo|4"},
		},
		{
			name:  "file order is kept",
			text:  "[pre-up]\nz = \"z\"\na = \"a\"\nm = \"m\"\n",
			tasks: []string{"pre-up/z: z", "pre-up/a: a", "pre-up/m: m"},
		},
		{name: "malformed", text: "lorem ipsum\n", findings: []string{`error 1:7 not TOML: expected '=' after key`}},
		{name: "unknown table", text: "[post-delete]\na = \"b\"\n", findings: []string{`warning 1:2 unknown task type "[post-delete]"; Draft ignores it`}},
		{name: "unknown table with tables in it, once", text: "[setup.x]\n[setup.y]\n", findings: []string{`warning 1:2 unknown task type "[setup]"; Draft ignores it`}},
		{name: "unknown top-level key", text: "name = \"x\"\n", findings: []string{`warning 1:1 unknown task type "[name]"; Draft ignores it`}},
		{
			name:  "table name in any case, merged",
			text:  "[PRE-UP]\na = \"1\"\n[pre-up]\nb = \"2\"\n",
			tasks: []string{"pre-up/a: 1", "pre-up/b: 2"},
		},
		{
			name:     "merged tables with the same task",
			text:     "[PRE-UP]\na = \"1\"\n[pre-up]\na = \"2\"\n",
			findings: []string{`error 4:1 task "a" of [pre-up] is defined twice, first at .draft-tasks.toml:2:1`},
		},
		{name: "duplicate key", text: "[pre-up]\na = \"1\"\na = \"2\"\n", findings: []string{`error 3:1 not TOML: key a is already defined`}},
		{name: "table twice", text: "[pre-up]\na = \"1\"\n[pre-up]\n", findings: []string{`error 3:2 not TOML: table pre-up already exists`}},
		{name: "integer", text: "[pre-up]\na = 1\n", findings: []string{`error 2:5 task "a" of [pre-up] is an integer, not a string`}},
		{name: "boolean", text: "[cleanup]\na = true\n", findings: []string{`error 2:5 task "a" of [cleanup] is a boolean, not a string`}},
		{name: "array", text: "[cleanup]\na = [\"x\"]\n", findings: []string{`error 2:1 task "a" of [cleanup] is an array, not a string`}},
		{name: "date", text: "[cleanup]\na = 2020-01-01\n", findings: []string{`error 2:5 task "a" of [cleanup] is a date or time, not a string`}},
		{name: "inline table as command", text: "[cleanup]\na = {b = \"c\"}\n", findings: []string{`error 2:5 task "a" of [cleanup] is a table, not a string`}},
		{name: "sub-table", text: "[cleanup.x]\na = \"b\"\n", findings: []string{`error 1:2 [cleanup.x] is a table in [cleanup], which can contain only tasks`}},
		{name: "dotted bare key", text: "[pre-up]\na.b = \"x\"\n", findings: []string{`error 2:1 the description a.b has dots, which make it a table`}},
		{name: "quoted key with dots", text: "[pre-up]\n\"a.b\" = \"x\"\n", tasks: []string{"pre-up/a.b: x"}},
		{name: "dotted key at the top", text: "pre-up.a = \"x\"\n", findings: []string{`error 1:1 the key "pre-up.a" has dots, which Draft does not allow`}},
		{name: "empty key", text: "[pre-up]\n\"\" = \"x\"\n", tasks: []string{"pre-up/: x"}},
		{name: "inline table", text: "pre-up = {a = \"x\", b = \"y z\"}\n", tasks: []string{"pre-up/a: x", "pre-up/b: y|z"}},
		{name: "array of tables", text: "[[pre-up]]\na = \"x\"\n", findings: []string{`error 1:3 [[pre-up]] is a list of tables; Draft finds no task in it`}},
		{name: "top-level string", text: "pre-up = \"x\"\n", findings: []string{`error 1:1 pre-up is a string; Draft finds no task in it`}},
		{name: "multi-line string", text: "[pre-up]\na = \"\"\"echo a\nb c\"\"\"\n", tasks: []string{"pre-up/a: echo|a\nb|c"}},
		{name: "literal string", text: "[pre-up]\na = 'echo \\n'\n", tasks: []string{"pre-up/a: echo|\\n"}},
		{name: "CRLF", text: "[pre-up]\r\na = \"echo x\"\r\n", tasks: []string{"pre-up/a: echo|x"}},
		{name: "CRLF in a string of several lines", text: "[pre-up]\r\na = \"\"\"\r\necho a\r\nb\"\"\"\r\nc = \"x\"\r\n", tasks: []string{"pre-up/a: echo|a\nb", "pre-up/c: x"}},
		{name: "byte order mark", text: "\ufeff[pre-up]\r\na = \"x\"\r\nb = 1\r\n", findings: []string{`error 3:5 task "b" of [pre-up] is an integer, not a string`}},
		{name: "not UTF-8", text: "[pre-up]\na = \"\xff\"\n", findings: []string{`error 2:6 the file is not UTF-8 text`}},
		{name: "NUL in a command", text: "[pre-up]\na = \"x\\u0000\"\n", findings: []string{`error 2:5 the command of task "a" has a NUL character, which arguments cannot contain`}},
		{name: "empty command", text: "[pre-up]\na = \"\"\n", findings: []string{`error 2:5 task "a" has an empty command`}},
		{name: "command of spaces", text: "[pre-up]\na = \"  \"\n", findings: []string{`error 2:5 task "a" has an empty command`}},
		{name: "leading space", text: "[pre-up]\na = \" x\"\n", findings: []string{`error 2:5 the command of task "a" starts with a space, so the name of its program is empty`}},
		{
			name: "columns count characters",
			text: "[pre-up]\n\"äöü\" = 1\n", findings: []string{`error 2:9 task "äöü" of [pre-up] is an integer, not a string`},
		},
		{
			name: "all problems at once, in order",
			text: "[[cleanup]]\n[pre-up]\na = 1\nb = \"\"\n[wat]\n",
			findings: []string{
				`error 1:3 [[cleanup]] is a list of tables; Draft finds no task in it`,
				`error 3:5 task "a" of [pre-up] is an integer, not a string`,
				`error 4:5 task "b" has an empty command`,
				`warning 5:2 unknown task type "[wat]"; Draft ignores it`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, findings := parse(t, tt.text, nil)
			if diff := cmp.Diff(tt.tasks, tasks); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.findings, findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseTooLarge(t *testing.T) {
	_, findings := parse(t, strings.Repeat("#", maxBytes+1), nil)
	want := []string{"error 1:1 the file is larger than 1048576 bytes"}
	if diff := cmp.Diff(want, findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestParseModel(t *testing.T) {
	const text = `[post-up]
last = "echo $HOME"
[post-deploy]
first = "echo $HOME $NONE"
second = "b"
[cleanup]
c = "c"
`
	source := task.Source{Name: "f", Format: "draft"}
	tasks, _ := Parse([]byte(text), Options{
		Source: source, Compat: true,
		Getenv: func(n string) (string, bool) { return "/h", n == "HOME" },
	})
	at := func(line int) task.Position { return task.Position{File: "f", Line: line, Column: 1} }
	want := []task.Task{
		{
			Name: "post-up/last", Phase: task.PostDeploy, Needs: []string{"post-deploy/second"},
			Executor: task.Host{Command: task.Command{Argv: []string{"echo", "/h"}, Text: "echo $HOME", Local: []string{"HOME"}}},
			Policy:   task.Policy{OnFailure: task.Continue}, Position: at(2), Source: source,
		},
		{
			Name: "post-deploy/first", Phase: task.PostDeploy,
			Executor: task.Exec{Command: task.Command{Argv: []string{"echo", "/h", ""}, Text: "echo $HOME $NONE", Local: []string{"HOME", "NONE"}}, Pods: task.All, AllowEmpty: true},
			Policy:   task.Policy{OnFailure: task.Continue}, Position: at(4), Source: source,
		},
		{
			Name: "post-deploy/second", Phase: task.PostDeploy, Needs: []string{"post-deploy/first"},
			Executor: task.Exec{Command: task.Command{Argv: []string{"b"}, Text: "b"}, Pods: task.All, AllowEmpty: true},
			Policy:   task.Policy{OnFailure: task.Continue}, Position: at(5), Source: source,
		},
		{
			Name: "cleanup/c", Phase: task.PostUninstall,
			Executor: task.Host{Command: task.Command{Argv: []string{"c"}, Text: "c"}},
			Policy:   task.Policy{OnFailure: task.Continue}, Position: at(7), Source: source,
		},
	}
	if diff := cmp.Diff(want, tasks); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
}

func TestParseShell(t *testing.T) {
	tasks, findings := parse(t, "[pre-up]\na = \" echo \\\"$NONE\\\" | cat\"\n", func(o *Options) { o.Shell = true })
	if diff := cmp.Diff([]string{`pre-up/a: sh|-c| echo "$NONE" | cat`}, tasks); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	if len(findings) != 0 {
		t.Errorf("findings: %v", findings)
	}
}
