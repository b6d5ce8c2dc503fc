#!/usr/bin/env bash
# Whether the node is ready, serves clients, and is of the version that was asked for. Before that nobody is sent here.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

deadline=$((SECONDS + ready_seconds))
while true; do
  ask GET /readyz
  [ "$status" != 200 ] || break
  if [ "$SECONDS" -ge "$deadline" ]; then
    [ "$status" = 000 ] && fail "no node answers at $admin after $ready_seconds s"
    fail "the node is not ready after $ready_seconds s: $body"
  fi
  sleep 1
done
ask GET /load
[ "$status" = 200 ] || fail "the node answers $status to /load: $body"
[ "$(field state)" = serving ] || fail "the node is $(field state), and takes nobody"
version="$(field version)"
if [ -n "${ELASTIC_CHAT_VERSION:-}" ] && [ "$version" != "$ELASTIC_CHAT_VERSION" ]; then
  fail "version $version runs, not $ELASTIC_CHAT_VERSION: the containers were not replaced"
fi
curl --silent --show-error --fail --max-time 5 --output /dev/null "$clients/v1/openapi.json" ||
  fail "clients get no answer at $clients"
say "version $version is ready"
