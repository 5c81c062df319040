#!/usr/bin/env bash
# Builds the stock kubectl of this folder's go.mod, once, and prints where it is. Exit 3 when there is no Go.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
version="$(sed -n 's/^[[:space:]]*k8s.io\/kubectl v0\.\([0-9.]*\)$/v1.\1/p' "$here/go.mod")"
# The name holds a hash of everything the binary is made from, so an old build is never taken for a new one.
key="$(cat "$here/go.mod" "$here/go.sum" "$here/main.go" | sha256sum | cut -c1-12)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/flaresmith"
target="$cache/kubectl-$version-$key"

if [ ! -x "$target" ]; then
  if ! command -v go >/dev/null; then
    echo "kubectl: Go is not installed, so the stock kubectl cannot be built; its tests are skipped" >&2
    exit 3
  fi
  echo "kubectl: building $version (a few minutes the first time)" >&2
  mkdir -p "$cache"
  package=k8s.io/component-base/version
  flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(echo "$version" | cut -d. -f2)"
  flags="$flags -X $package.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=$version"
  partial="$(mktemp "$target.XXXXXX")"
  trap 'rm -f "$partial"' EXIT
  (cd "$here" && CGO_ENABLED=0 go build -trimpath -ldflags "$flags" -o "$partial" .) >&2
  chmod 0755 "$partial"
  mv "$partial" "$target"
fi
echo "$target"
