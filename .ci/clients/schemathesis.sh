#!/usr/bin/env bash
# Has schemathesis try the plain JSON side against what /openapi.json says of it: whatever the document allows has
# to be taken, whatever it forbids refused, and every answer has to be one that is documented.
#
# It starts a server of its own, with an empty database, on a free port: one whose throttle does not mind that
# somebody guesses thousands of passwords. schemathesis, curl and python3 have to be on the PATH.
set -euo pipefail

server=$(realpath "${SESSILE_BIN:-${CARGO_TARGET_DIR:-target}/release/sessile}")
examples=${SCHEMATHESIS_EXAMPLES:-200}
scratch=$(mktemp -d)
pid=
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$scratch"' EXIT
cd "$scratch"

cat >sessile.toml <<'TOML'
[password]
memory_kib = 8
iterations = 1
queue = 100000

[sign_in]
free_failures = 1000
max_delay_seconds = 1
TOML

mkfifo stdout
"$server" serve --listen 127.0.0.1:0 --database-url sqlite:sessile.db >stdout 2>log &
pid=$!
exec 3<stdout
ready=
read -r -t 30 ready <&3 || true
url=${ready##* }
[[ $url == ws://*/mcp ]] || { echo "the server did not say where it listens: '$ready'"; cat log; exit 1; }
base=http${url#ws}
base=${base%/mcp}

password="a password of nobody's"
# Signs up and prints the access token.
token() {
  curl -sS --fail-with-body "$base/auth/sign-up" --json \
    "{\"email\":\"$1@example.com\",\"password\":\"$password\",\"tenant_name\":\"$1\"}" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["tokens"]["access_token"])'
}

try() {
  local token=$1
  shift
  schemathesis run "$base/openapi.json" --no-color --header "Authorization: Bearer $token" \
    --checks all --max-examples "$examples" --generation-database none "$@"
}

status=0
# Signing out ends the token, so it is tried by itself; no link leads there.
try "$(token ann)" --exclude-path /auth/sign-out || status=1
try "$(token bob)" --include-path /auth/sign-out --phases examples,coverage,fuzzing || status=1

kill -TERM "$pid" 2>/dev/null || true
wait "$pid" || { echo "the server did not stop cleanly: exit $?"; status=1; }
pid=
if grep -nE "sessile_(refresh|key)_|eyJ|$password|panicked| ERROR " log; then
  echo "the server's log holds a secret, or a fault of its own"
  status=1
fi
exit "$status"
