package draft

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestLint(t *testing.T) {
	const shell = "--draft-shell runs the file's commands through sh -c"
	tests := []struct {
		name  string
		table string
		line  string
		want  [][2]string // message, hint
	}{
		{name: "nothing to say", table: "pre-up", line: "helm dependency update charts/app"},
		{
			name: "quotes", table: "pre-up", line: `echo 'a'`,
			want: [][2]string{{"Draft runs commands without a shell: quotes are passed literally, and a space inside them still splits", shell}},
		},
		{
			name: "pipe", table: "pre-up", line: "a | b",
			want: [][2]string{{`Draft runs commands without a shell: "|" is passed literally`, shell}},
		},
		{
			name: "and", table: "post-deploy", line: "a && b",
			want: [][2]string{{`Draft runs commands without a shell: "&&" and "||" are passed literally`, shell}},
		},
		{
			name: "redirection", table: "cleanup", line: "a > b",
			want: [][2]string{{`Draft runs commands without a shell: "<" and ">" are passed literally`, shell}},
		},
		{
			name: "braces", table: "cleanup", line: "a ${HOME}",
			want: [][2]string{{"Draft runs commands without a shell: ${NAME} is passed literally; only $NAME is expanded", shell}},
		},
		{
			name: "two spaces", table: "cleanup", line: "a  b",
			want: [][2]string{{"two spaces, or one at the end, make an empty argument", "write single spaces"}},
		},
		{
			name: "unset variable", table: "cleanup", line: "a $NONE $HOME $$NONE",
			want: [][2]string{{"$NONE is not set: it becomes empty", "set NONE, or write $$NONE for the literal text"}},
		},
		{
			name: "Helm 2 install", table: "pre-up", line: "helm install mysql --name mysql-service --wait",
			want: [][2]string{{"helm install --name is Helm 2 syntax; the name is the first argument", "write: helm install mysql-service mysql --wait"}},
		},
		{
			name: "Helm 2 install, other form", table: "pre-up", line: "helm install --name=db stable/mysql",
			want: [][2]string{{"helm install --name is Helm 2 syntax; the name is the first argument", "write: helm install db stable/mysql"}},
		},
		{
			name: "Helm 2 delete", table: "cleanup", line: "helm delete mysql-service --purge",
			want: [][2]string{{"helm delete --purge is Helm 2 syntax; uninstall always deletes the history", "write: helm uninstall mysql-service"}},
		},
		{
			name: "Tiller", table: "pre-up", line: "helm ls --tiller-namespace kube-system",
			want: [][2]string{{"--tiller-namespace is a flag of Helm 2; Helm 3 has no Tiller", "remove the flag"}},
		},
		{
			name: "helm init", table: "pre-up", line: "helm init",
			want: [][2]string{{"helm init is a command of Helm 2; Helm 3 has no Tiller", "remove the task"}},
		},
		{
			name: "helm fetch", table: "pre-up", line: "helm fetch stable/x",
			want: [][2]string{{"helm fetch is Helm 2's name of helm pull", "write: helm pull stable/x"}},
		},
		{name: "Helm 3 delete", table: "cleanup", line: "helm delete web"},
		{
			name: "kubectl in a pod", table: "post-deploy", line: "kubectl get pods",
			want: [][2]string{{"[post-deploy] runs in the pods: kubectl must exist there, not on this machine", "for a command of this machine use [post-up]"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, found := Parse([]byte("["+tt.table+"]\nx = \"\"\""+tt.line+"\"\"\"\n"), Options{
				Getenv: func(n string) (string, bool) { return "/h", n == "HOME" },
			})
			var got [][2]string
			for _, f := range found {
				if f.Severity != task.Warning || f.Task != tt.table+"/x" || f.Position.Line != 2 || f.Position.Column != 5 {
					t.Errorf("not a warning about the command at its place: %+v", f)
				}
				got = append(got, [2]string{f.Message, f.Hint})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLikely(t *testing.T) {
	for name, want := range map[string]string{
		"post-delete": "did you mean [cleanup]?",
		"pre-upp":     "did you mean [pre-up]?",
		"postdeploy":  "did you mean [post-deploy]?",
		"Clean":       "did you mean [cleanup]?",
		"x":           "the tables are [pre-up], [post-deploy], [post-up], [cleanup]",
	} {
		if got := suggestTable(name); got != want {
			t.Errorf("suggestTable(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestRecognises(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "\n": true, "[pre-up]\na = \"x\"": true, "# x\n[Cleanup]": true, "  [ \"post-deploy\" ]": true, "pre-up = {a = \"x\"}": true,
		"apiVersion: v1": false, "[other]\npre-up": false, "tasks: [pre-up]": false,
	} {
		if got := Recognises([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
