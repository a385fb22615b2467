package plan

import (
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestChoose(t *testing.T) {
	tasks := []task.Task{
		{Name: "pre-up/a", Phase: task.PreDeploy},
		{Name: "pre-up/b", Phase: task.PreDeploy},
		{Name: "post-deploy/b", Phase: task.PostDeploy},
		{Name: "post-up/c", Phase: task.PostDeploy},
	}
	tests := []struct {
		names, phase string
		want, err    string
	}{
		{names: "c a", want: "pre-up/a post-up/c"},
		{names: "post-deploy/b", want: "post-deploy/b"},
		{names: "a a", want: "pre-up/a"},
		{phase: "pre-up", want: "pre-up/a pre-up/b"},
		{phase: "post-deploy", want: "post-deploy/b post-up/c"},
		{phase: "post-up", want: "post-up/c"},
		{names: "b", err: `more than one task has the name "b"`},
		{names: "x", err: `no task has the name "x"`},
		{phase: "cleanup", err: `no task has the phase "cleanup"`},
		{err: "name the tasks to run"},
	}
	for _, tt := range tests {
		t.Run(tt.names+tt.phase, func(t *testing.T) {
			chosen, err := Choice{Names: strings.Fields(tt.names), Phase: tt.phase, Single: true}.Of(tasks)
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			var got []string
			for _, c := range chosen {
				got = append(got, c.Name)
			}
			if err != nil || strings.Join(got, " ") != tt.want {
				t.Errorf("%v, error %v; want %s", got, err, tt.want)
			}
		})
	}
	if got, err := (Choice{Single: true}).Of(tasks[:1]); err != nil || len(got) != 1 {
		t.Errorf("a single task of a document that was named is %v, error %v", got, err)
	}
	if _, err := (Choice{}).Of(tasks[:1]); err == nil {
		t.Error("a single task that happens to be there needs a name")
	}
}
