#!/usr/bin/env bash
# Brings the images of this revision, while the others still serve.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

for file in "$revision/images.env" /etc/elastic-chat/chat.env; do
  [ -r "$file" ] || fail "there is no $file"
done
image="$(sed -n 's/^CHAT_NODE_IMAGE=//p' "$revision/images.env")"
case "$image" in
*.dkr.ecr.*.amazonaws.com/*)
  registry="${image%%/*}"
  region="${registry#*.ecr.}"
  region="${region%%.*}"
  aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$registry"
  ;;
esac
ELASTIC_CHAT_NODE_ID=fetch "${compose[@]}" pull --quiet
