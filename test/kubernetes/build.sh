#!/usr/bin/env bash
# Builds what the tests against a real Kubernetes run, once, and prints the folder it lies in:
#
#   build.sh [kube-apiserver] [kube-controller-manager] [kubectl] [kine]     (default: all of them)
#
# Everything comes from published Go modules, pinned by tools/*/go.mod and go.sum. Exit 3 when there is no Go.
set -euo pipefail

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/tools"
version="$(sed -n 's/^require k8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' "$tools/kubernetes/go.mod")"
# The name holds a hash of everything the binaries are made from, so an old build is never taken for a new one.
key="$(cat "$tools"/*/go.mod "$tools"/*/go.sum "${BASH_SOURCE[0]}" | sha256sum | cut -c1-12)"
target="${XDG_CACHE_HOME:-$HOME/.cache}/flaresmith/kubernetes-$version-$key"

partial=""
trap 'rm -f "$partial"' EXIT

# build NAME MODULE PACKAGE [FLAG...]
build() {
  local name="$1" module="$2" package="$3"
  shift 3
  echo "$name: building (minutes the first time)" >&2
  partial="$(mktemp "$target/.$name.XXXXXX")"
  (cd "$tools/$module" && go build -trimpath -o "$partial" "$@" "$package") >&2
  chmod 0755 "$partial"
  mv "$partial" "$target/$name"
}

# Without a version kube-apiserver calls itself v0.0.0 and emulates that.
component=k8s.io/component-base/version
stamp="-s -w -X $component.gitVersion=$version -X $component.gitMajor=1 -X $component.gitMinor=$(cut -d. -f2 <<<"$version")"
stamp="$stamp -X $component.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=$version"

[ $# -gt 0 ] || set -- kubectl kube-apiserver kube-controller-manager kine
for name in "$@"; do
  [ -x "$target/$name" ] && continue
  if ! command -v go >/dev/null; then
    echo "$name: Go is not installed, so it cannot be built; the tests that need it are skipped" >&2
    exit 3
  fi
  mkdir -p "$target"
  case "$name" in
  # SQLite in kine is C where there is a compiler, else its translation to Go.
  kine) build kine kine github.com/k3s-io/kine -ldflags "-s -w" ;;
  kubectl | kube-apiserver | kube-controller-manager)
    CGO_ENABLED=0 build "$name" kubernetes "k8s.io/kubernetes/cmd/$name" -ldflags "$stamp"
    ;;
  *)
    echo "build.sh: no such command: $name" >&2
    exit 2
    ;;
  esac
done
echo "$target"
