package lagoon

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The results are those of Lagoon's own UnmarshalLagoonYAML (build-deploy-tool internal/lagoon/lagoon.go):
// it decodes the file, and then the part below the project's name over the result.
func TestSite(t *testing.T) {
	const file = `tasks:
  pre-rollout:
  - run: {name: dump, service: cli, command: dump, shell: bash}
  post-rollout:
  - run: {name: one, service: cli, command: x, when: A == "1"}
  - run: {name: two, service: cli, command: w}
`
	const dump = "pre-rollout/dump @3: cli [\"bash\" \"-c\" \"dump\"]\n"
	const posts = "post-rollout/one @5: cli [\"sh\" \"-c\" \"x\"]\npost-rollout/two @6: cli [\"sh\" \"-c\" \"w\"] after post-rollout/one\n"
	tests := []struct{ name, file, want, says string }{
		{name: "one list replaces the list of its name", file: file + "rel: {tasks: {post-rollout: [{run: {name: own, service: web, command: z, when: 'true'}}]}}\n", want: dump + "post-rollout/own @7: web [\"sh\" \"-c\" \"z\"]\n"},
		{name: "the other list", file: file + "rel: {tasks: {pre-rollout: [{run: {name: own, service: web, command: z, shell: sh}}]}}\n", want: "pre-rollout/own @7: web [\"sh\" \"-c\" \"z\"]\n" + posts},
		{name: "tasks without anything", file: file + "rel: {tasks: }\n", want: dump + posts},
		{name: "nothing", file: file + "rel:\n", want: dump + posts},
		{name: "no tasks", file: file + "rel: {environments: {}}\n", want: dump + posts},
		{name: "a text", file: file + "rel: x\n", want: dump + posts},
		{name: "a list without anything empties", file: file + "rel: {tasks: {post-rollout: }}\n", want: dump},
		{name: "an empty list empties", file: file + "rel: {tasks: {pre-rollout: []}}\n", want: posts},
		{name: "of another project", file: file + "other: {tasks: {post-rollout: []}}\n", want: dump + posts},
		{name: "only the site has tasks", file: "rel:\n  tasks:\n    post-rollout:\n    - run: {name: own, service: web, command: 5}\n", want: "post-rollout/own @4: web [\"sh\" \"-c\" \"5\"]\n"},
		{
			name: "a task keeps what only the one in its place sets", file: file + "rel: {tasks: {pre-rollout: [{run: {name: own, service: web, command: z}}, {run: {name: more, service: web, command: z}}]}}\n",
			want: "pre-rollout/own @7: web [\"bash\" \"-c\" \"z\"]\npre-rollout/more @7: web [\"sh\" \"-c\" \"z\"] after pre-rollout/own\n" + posts,
			says: `warning f.yml:7:29: task "own" replaces the task at f.yml:3:5 and keeps its shell, as in Lagoon | hint: set it here too`,
		},
		{
			name: "wrong in the file", file: "tasks: {post-rollout: {a: b}}\nrel: {tasks: {post-rollout: []}}\n",
			says: "error f.yml:1:23: post-rollout must be a list of tasks | hint: begin each task with - run:",
		},
		{
			name: "wrong in the site", file: file + "rel: {tasks: {post-rollout: {a: b}}}\n",
			says: "error f.yml:7:29: post-rollout must be a list of tasks | hint: begin each task with - run:",
		},
		{
			name: "not YAML elsewhere", file: "routes: [\n" + file + "rel: {tasks: {post-rollout: []}}\n",
			want: strings.ReplaceAll(dump, "@3", "@4"), says: "warning f.yml:2: not YAML: did not find expected ',' or ']'; the tasks can still be read | hint: Lagoon refuses the whole file",
		},
		{
			name: "the site is not YAML", file: file + "rel: {tasks: [}\n",
			says: "error f.yml:6: not YAML: did not find expected node content",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts := Facts{Release: "rel", Variables: map[string]string{"A": "1"}}
			tasks, found := Parse([]byte(tt.file), Options{Source: task.Source{Name: "f.yml"}, Facts: facts})
			if diff := cmp.Diff(tt.want, draw(tasks)); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.says, say(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// environment_variables.git_sha is decoded like the tasks. An override has only tasks.
func TestGitSHA(t *testing.T) {
	const tasks = "tasks: {post-rollout: [{run: {name: a, service: web, command: x, when: LAGOON_GIT_SHA == \"c0ffee\"}}]}\n"
	tests := []struct {
		name, file, override string
		want                 bool
		says                 string
	}{
		{name: "not said", file: tasks},
		{name: "a text", file: tasks + "environment_variables: {git_sha: 'true'}", want: true},
		{name: "a boolean", file: tasks + "environment_variables: {git_sha: true}", want: true},
		{name: "as Go reads it", file: tasks + "environment_variables: {git_sha: 'T'}", want: true},
		{name: "false", file: tasks + "environment_variables: {git_sha: false}"},
		{name: "what is no boolean", file: tasks + "environment_variables: {git_sha: 'y es'}", says: "warning f.yml:2:34: git_sha must be true or false | hint: Lagoon refuses the whole file"},
		{name: "only in the site", file: tasks + "rel: {environment_variables: {git_sha: 'true'}}", want: true},
		{name: "the site's wins", file: tasks + "environment_variables: {git_sha: true}\nrel: {environment_variables: {git_sha: false}}"},
		{name: "the site says nothing", file: tasks + "environment_variables: {git_sha: true}\nrel: {tasks: }", want: true},
		{name: "the site's is empty", file: tasks + "environment_variables: {git_sha: true}\nrel: {environment_variables: }", want: true},
		{name: "of another site", file: tasks + "other: {environment_variables: {git_sha: true}}"},
		{name: "of an override", file: tasks, override: "environment_variables: {git_sha: true}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			commit := func() string { return "c0ffee" }
			got, found := Parse([]byte(tt.file), Options{
				Source: task.Source{Name: "f.yml"}, Facts: Facts{Release: "rel", Commit: commit},
				Override: base64.StdEncoding.EncodeToString([]byte(tt.override)),
			})
			if diff := cmp.Diff(tt.says, say(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if len(got) != 1 || (got[0].Skip == "") != tt.want {
				t.Errorf("the commit is known: want %t, got %s", tt.want, draw(got))
			}
		})
	}
}

// An override of a file for several sites can have a part for the project, too.
func TestSiteInOverride(t *testing.T) {
	const file = "project: shop\nshop: {tasks: {post-rollout: [{run: {name: a, service: web, command: x}}]}}\n"
	const override = "project: other\nshop: {tasks: {post-rollout: [{run: {name: a, command: w}}]}}\nother: {tasks: {post-rollout: [{run: {name: b, service: web, command: w}}]}}\n"
	tasks, found := Parse([]byte(file), Options{Source: task.Source{Name: "f.yml"}, Override: base64.StdEncoding.EncodeToString([]byte(override))})
	if diff := cmp.Diff("post-rollout/a @2: web [\"sh\" \"-c\" \"w\"]\n", draw(tasks)); diff != "" || len(found) > 0 {
		t.Errorf("(-want +got):\n%s\n%s", diff, say(found))
	}
}
