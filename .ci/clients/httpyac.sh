#!/usr/bin/env bash
# Runs docs/sessile.http as it stands, but for the address, against a server with the demo:
#
#     SESSILE_SERVE_FLAGS=--demo .ci/with-server .ci/clients/httpyac.sh
#
# httpyac has to be on the PATH. It fails when a test in the file does.
set -euo pipefail

url=${1:?the URL of the server}
base=http${url#ws}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
file=$(git rev-parse --show-toplevel)/docs/sessile.http
sed "s|http://127.0.0.1:7400|${base%/mcp}|" "$file" >"$scratch/sessile.http"
# It takes files from below its working directory alone.
cd "$scratch"
httpyac send sessile.http --all --output none
