#!/usr/bin/env bash
# Builds the release archives of all platforms into dist/, with their checksums: static, without
# paths of this machine, with the commit's time, so that the same commit gives the same bytes.
# usage: VERSION=… LDFLAGS=… hack/dist.sh
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf dist
mkdir -p dist
when=$(git log -1 --format=%ct)
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
  os=${platform%/*} arch=${platform#*/}
  name=kubectl-tasks
  [[ $os == windows ]] && name+=.exe
  work=dist/$os-$arch
  mkdir -p "$work/bin"
  echo "building $VERSION for $platform"
  CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags "$LDFLAGS" -o "$work/bin/$name" ./cmd/kubectl-tasks
  # hack/helm-plugin.sh is what plugin.yaml has Helm call.
  mkdir -p "$work/hack"
  cp LICENSE plugin.yaml "$work/"
  cp hack/helm-plugin.sh "$work/hack/"
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$when" -C "$work" -cf - . |
    gzip -n >"dist/kubectl-tasks_${os}_${arch}.tar.gz"
  rm -rf "$work"
done
(cd dist && sha256sum ./*.tar.gz >checksums.txt)
