#!/usr/bin/env sh
# Called by helm plugin install and update in the plugin's directory: makes sure that the binary
# exists. A release archive contains it; a checkout builds it.
set -eu

if [ -x bin/kubectl-tasks ]; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "this is a checkout without a binary, and there is no Go to build it: install a release archive instead" >&2
  exit 1
fi
make build
