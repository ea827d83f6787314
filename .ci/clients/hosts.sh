#!/usr/bin/env bash
# Sets agents up with `sessile install`, each in a home of its own, and has them say whether they are connected:
#
#     .ci/with-server .ci/clients/hosts.sh
#
# Gemini CLI and Claude Code connect when they list their servers, without an account. Codex lists what it would start
# and starts nothing. The MCP Inspector calls tools through the bridge.
set -euo pipefail

url=$1
sessile=$(realpath "${SESSILE_BIN:-${CARGO_TARGET_DIR:-target}/release/sessile}")
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir "$home/project"
cd "$home/project"

export HOME=$home XDG_CONFIG_HOME=$home/.config SESSILE_CREDENTIALS=file
unset CLAUDE_CONFIG_DIR CODEX_HOME SESSILE_TOKEN
# Nobody is asked, and nothing is sent home.
export CI=1 NO_COLOR=1 DISABLE_TELEMETRY=1 DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
export GEMINI_CLI_TRUST_WORKSPACE=true

# The text that comes has to hold a pattern.
expect() {
  local what=$1 pattern=$2 text=$3
  if grep -Eiq -- "$pattern" <<<"$text"; then
    echo "ok: $what"
  else
    printf 'not ok: %s, which said:\n%s\n' "$what" "$text"
    exit 1
  fi
}

# An account: signing up is a tool like any other. The server's own path serves HTTP as well.
http=${url/#ws/http}
sign_up='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_sign_up","arguments":{"email":"hosts@example.com","password":"a long enough one","tenant_name":"Hosts"}}}'
curl -fsS "$http" -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d "$sign_up" >/dev/null
printf 'a long enough one' | "$sessile" login "$url" --name hosts --email hosts@example.com --password-stdin
key=$(awk '{ print $2 }' "$XDG_CONFIG_HOME/sessile/credentials")

# Gemini CLI trusts this folder, as a person would say that it should.
mkdir -p "$home/.gemini"
printf '{"%s": "TRUST_FOLDER"}\n' "$home/project" >"$home/.gemini/trustedFolders.json"
for client in gemini claude-code codex; do
  "$sessile" install "$client" hosts --yes >/dev/null
done
"$sessile" install claude-code hosts --name native --native --yes >/dev/null

expect "Gemini CLI is connected by the bridge" 'sessile.*connected' "$(timeout 60 gemini mcp list 2>&1 || true)"
listed=$(timeout 60 claude mcp list 2>&1 || true)
expect "Claude Code is connected by the bridge" '^sessile:.*connected' "$listed"
expect "Claude Code is connected by its own WebSocket" '^native:.*connected' "$listed"
expect "Codex knows how to start the bridge" 'sessile.*connect hosts' "$(timeout 60 codex mcp list 2>&1 || true)"

inspect() {
  timeout 60 mcp-inspector --cli "$sessile" connect hosts --method "$@" 2>&1 || true
}
expect "the Inspector lists tools through the bridge" 'crm_contact_list' "$(inspect tools/list)"
expect "the Inspector calls one, signed in" 'hosts@example.com' "$(inspect tools/call --tool-name auth_whoami)"

# What hosts keep holds no key.
for file in "$home/.gemini/settings.json" "$home/.claude.json" "$home/.codex/config.toml"; do
  ! grep -q -- "$key" "$file" || { echo "not ok: $file holds the key"; exit 1; }
done
for client in gemini claude-code codex; do
  "$sessile" install "$client" --remove --yes >/dev/null
done
"$sessile" install claude-code --name native --remove --yes >/dev/null
! grep -q 'sessile' "$home/.gemini/settings.json" "$home/.codex/config.toml" 2>/dev/null || { echo "not ok: something is left"; exit 1; }
"$sessile" logout hosts
echo "the hosts are set up, connected and left as they were"
