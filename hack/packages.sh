#!/usr/bin/env bash
# Installs the system packages that building and testing need and this machine lacks, and says so.
# The development cluster installs its own.
set -euo pipefail

if ! command -v go >/dev/null; then
  echo "Go is not installed: see https://go.dev/doc/install for version $(sed -n 's/^go //p' go.mod) or later" >&2
  exit 1
fi
missing=()
command -v git >/dev/null || missing+=(git)
# The race detector links against the C library.
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
[[ ${#missing[@]} -eq 0 ]] && exit 0

if ! command -v apt-get >/dev/null || [[ $EUID -ne 0 ]]; then
  echo "please install: ${missing[*]}" >&2
  exit 1
fi
echo "installing system packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null
apt-get -q install -y --no-install-recommends "${missing[@]}" >/dev/null
