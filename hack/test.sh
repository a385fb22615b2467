#!/usr/bin/env bash
# Runs all tests, those on the cluster among them, under the race detector. Fails when no test on
# the cluster ran. The last lines are the test runner's own summary.
# usage: hack/test.sh GOTESTSUM HELM3 HELM4
set -euo pipefail

runner=$1
export HELM3=$2 HELM4=$3
results=$(mktemp)
trap 'rm -f "$results"' EXIT

SECONDS=0
(cd hack/devcluster && go test -race .)
# The cluster outlives the run, so that cached results of its tests would say nothing.
status=0
summary=$("$runner" --format pkgname --jsonfile "$results" -- -race -tags e2e -count=1 -timeout 75m ./... | tee /dev/stderr | tail -n 1) || status=$?
cluster=$(grep -c '"Action":"pass","Package":"[^"]*/test/e2e","Test":' "$results" || true)
echo "$cluster tests on the cluster passed; $SECONDS seconds in all" >&2
if [[ $status -eq 0 && $cluster -eq 0 ]]; then
  echo "no test on the cluster ran" >&2
  exit 1
fi
echo "$summary"
exit "$status"
