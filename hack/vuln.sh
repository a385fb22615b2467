#!/usr/bin/env bash
# Looks for known vulnerabilities in the code that the program calls. Where their database cannot be
# reached, it prints that and succeeds.
# usage: hack/vuln.sh GOVULNCHECK
set -uo pipefail

output=$("$1" ./... 2>&1)
status=$?
case $status in
0) ;;
3) ;; # it found some
*)
  if grep -q 'fetching vulnerabilities' <<<"$output"; then
    echo "govulncheck: skipped, because its database cannot be reached: $(tail -n 1 <<<"$output")" >&2
    exit 0
  fi
  ;;
esac
echo "$output"
exit "$status"
