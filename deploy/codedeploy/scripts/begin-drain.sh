#!/usr/bin/env bash
# Asks everybody on this instance's node to move, evenly over the drain's time, and returns at once. Nobody is cut. Doing it
# again changes nothing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ask POST "/drain?seconds=$drain_seconds"
case "$status" in
202) say "$(field connections) connections are asked to move within $(field deadline_seconds) s" ;;
000) say "no node answers at $admin: nobody to move" ;;
503) say "the node is still starting: nobody is on it" ;;
401 | 403) fail "the node refuses ($status): $body. Is ELASTIC_CHAT_ADMIN_TOKEN_FILE the node's own?" ;;
*) fail "the node answers $status: $body" ;;
esac
