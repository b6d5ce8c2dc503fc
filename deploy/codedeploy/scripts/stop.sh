#!/usr/bin/env bash
# Waits until everybody has moved, then stops the containers. Who does not move in time is closed by the node with 1012, and
# comes back elsewhere by resuming: a client that hangs must not hold up a deployment.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$here/common.sh"

# Without a load balancer there was no hook before this one.
"$here/begin-drain.sh"

# The node may take longer than it was asked for, when the others could not admit so many at once; it says how long.
deadline=
while true; do
  ask GET /load
  case "$status" in
  200) ;;
  000)
    say "the node has ended"
    break
    ;;
  *) fail "the node answers $status: $body" ;;
  esac
  state="$(field state)"
  if [ "$state" != draining ]; then
    say "the node is $state"
    break
  fi
  if [ -z "$deadline" ]; then
    left="$(field drain_seconds_left)"
    left="${left%%.*}"
    deadline=$((SECONDS + ${left:-$drain_seconds} + 15))
  fi
  if [ "$SECONDS" -ge "$deadline" ]; then
    say "$(field connections) connections did not move in time: the node closes them"
    break
  fi
  sleep 1
done
"${compose[@]}" stop
