#!/usr/bin/env bash
# The main job, seen: a chart is installed with Draft tasks around it, removed with its cleanup
# task, and installed again to play with.
# usage: hack/demo.sh IMAGE
set -euo pipefail
cd "$(dirname "$0")/.."

tasks=bin/kubectl-tasks
options=(-n demo --tasks examples/draft/.draft-tasks.toml)
chart=(web examples/web --create-namespace --wait --set "image=$1")

show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

# Leftovers of an earlier demo would block this one.
if ! said=$("$tasks" uninstall web --ignore-not-found --wait "${options[@]}" 2>&1); then
  echo "$said" >&2
  exit 1
fi
show "$tasks" install "${chart[@]}" "${options[@]}"
show "$tasks" uninstall web --wait "${options[@]}"
show "$tasks" install "${chart[@]}" "${options[@]}" --set greeting='Hello again'

cat <<TXT

That was a release of Helm with tasks of a Draft file: [pre-up] on this machine before Helm,
[post-deploy] in both pods when they were ready, [cleanup] after the release was removed.
The cluster and the release web are yours to play with:

  export KUBECONFIG=$KUBECONFIG
  $tasks run "fetch the page" --release web ${options[@]}
  $tasks upgrade web examples/web --set image=$1,greeting=Hi ${options[@]}
  $tasks install web examples/web --dry-run=client ${options[@]}
TXT
