#!/usr/bin/env bash
# Looks for known vulnerabilities in what the program calls. Where the database of them cannot be
# reached, it says so and is content.
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
