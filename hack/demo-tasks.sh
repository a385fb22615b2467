#!/usr/bin/env bash
# What tasks can do, seen: the life of a shop whose database is migrated; then, each as a test on the same
# cluster, the features that are hard to see. It fails when one of these tests fails.
# usage: hack/demo-tasks.sh IMAGE HELM3 HELM4
set -euo pipefail
cd "$(dirname "$0")/.."

tasks=bin/kubectl-tasks
shop=(-n shop --tasks examples/shop/tasks.yaml)

# show CODE COMMAND... runs a command that must end with this exit code.
show() {
  local want=$1 code=0
  shift
  printf '\n$ %s\n' "$*"
  "$@" || code=$?
  if ((code != want)); then
    echo "exit code $code, not $want" >&2
    exit 1
  fi
}

headline() { printf '\n=== %s\n' "$*"; }

# Leftovers of an earlier demo would block this one.
if ! said=$("$tasks" uninstall shop --ignore-not-found --wait "${shop[@]}" 2>&1); then
  echo "$said" >&2
  exit 1
fi

headline "1. Install, upgrade, an upgrade that fails and is rolled back, a rollback with undos"
show 2 "$tasks" plan install shop examples/shop --set "image=$1" "${shop[@]}"
show 0 "$tasks" install shop examples/shop --create-namespace --set "image=$1" "${shop[@]}"
show 0 "$tasks" upgrade shop examples/shop --reuse-values --set version=2 --param SIZE=large "${shop[@]}"
show 6 "$tasks" upgrade shop examples/shop --reuse-values --set version=3,broken=true "${shop[@]}"
show 0 "$tasks" rollback shop 1 "${shop[@]}"
show 0 "$tasks" uninstall shop "${shop[@]}"

# hold NAME TEST runs a test that shows it.
hold() {
  headline "$1"
  HELM3=$2 HELM4=$3 go test -tags e2e -count=1 -v -run "$4" ./test/e2e | grep -E '^ *(---|[a-z_]+\.go:)|^(ok|FAIL)'
}
hold "2. An app that cannot start until a migration has run: a hook of Helm waits in vain, a mid-deploy task does not" "$2" "$3" 'TestScripts/mid$'
hold "3. A clone of the next version: the new image and Secret before anything is applied, seen by no Service" "$2" "$3" 'TestScripts/clone-next$'
headline "4. A graph of 200 tasks compared with its critical path; the plan of 10,000"
go run ./hack/bench "$tasks" "$2"
hold "5. A program in 40 pods: two fail, one is deleted midway, each reported with its name" "$2" "$3" 'TestManyPods$'
hold "6. A Job whose sidecar never ends" "$2" "$3" 'TestSidecar$'
