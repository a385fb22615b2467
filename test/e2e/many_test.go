//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const manyPods = `
cat > set.yaml <<'END'
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: many}
spec:
  replicas: 40
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec:
      terminationGracePeriodSeconds: 0
      automountServiceAccountToken: false
      containers: [{name: app, image: "busybox:test", command: [sleep, "1000000"]}]
END
kubectl apply -f set.yaml > log
kubectl rollout status statefulset/many --timeout=300s >> log
# One pod is deleted when the program runs in it.
(until kubectl exec many-11 -- test -e /tmp/runs 2>> log; do sleep 0.2; done; kubectl delete pod many-11 >> log 2>&1) &
code=0
kubectl tasks run t -o json 2>> log || code=$?
wait
echo "code $code"
`

// TestManyPods: in 40 pods, two of which fail and one of which is deleted midway, each pod has its
// result by its name.
func TestManyPods(t *testing.T) {
	u := userDir(t, namespace(t, client(t), "many"))
	tasks := `apiVersion: kubectl-tasks.io/v1alpha1
kind: Tasks
tasks:
- name: t
  exec:
    target: statefulset/many
    pods: all
    parallel: 20
    shell: 'case $HOSTNAME in many-3|many-7) exit 3;; many-11) touch /tmp/runs; sleep 120;; esac'
`
	if err := os.WriteFile(filepath.Join(u.dir, "tasks.yaml"), []byte(tasks), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := u.bash(manyPods)
	object, rest, ok := strings.Cut(out, "\n}\n")
	var run report.Run
	if err == nil && ok {
		err = json.Unmarshal([]byte(object+"}"), &run)
	}
	if err != nil || rest != "code 1\n" {
		log, _ := os.ReadFile(filepath.Join(u.dir, "log"))
		t.Fatalf("%v\n%s\n%s", err, out, log)
	}
	by := map[task.State][]string{}
	for _, target := range run.Tasks[0].Targets {
		by[target.Status] = append(by[target.Status], target.Pod)
	}
	slices.Sort(by[task.Failed])
	got := fmt.Sprint(len(by[task.Succeeded]), by[task.Failed], by[task.Unknown])
	if want := "37 [many-3 many-7] [many-11]"; got != want {
		t.Errorf("%s, want %s\n%s", got, want, run.Tasks[0].Message)
	}
	t.Log(run.Tasks[0].Message)
}
