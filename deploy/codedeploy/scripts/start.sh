#!/usr/bin/env bash
# Starts what images.env names. The node's name is the machine's, which no other of the group has.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ELASTIC_CHAT_NODE_ID="${ELASTIC_CHAT_NODE_ID:-$(uname -n)}"
export ELASTIC_CHAT_NODE_ID
"${compose[@]}" up --detach --remove-orphans
