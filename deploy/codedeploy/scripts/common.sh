# shellcheck shell=bash disable=SC2034
# What the hooks share. Settings come from the environment, then from /etc/elastic-chat/deploy.env, then from here.

settings="${ELASTIC_CHAT_DEPLOY_ENV:-/etc/elastic-chat/deploy.env}"
if [ -r "$settings" ]; then
  # shellcheck disable=SC1090
  . "$settings"
fi

# Where this revision lies.
revision="${ELASTIC_CHAT_REVISION:-/opt/elastic-chat}"
# The node's admin port: on this machine only.
admin="http://${ELASTIC_CHAT_ADMIN:-127.0.0.1:9090}"
# Where clients come in.
clients="http://${ELASTIC_CHAT_CLIENTS:-127.0.0.1:8080}"
# Over how many seconds people are asked to move; 0 to 3600. Not longer than the target group's deregistration delay.
drain_seconds="${ELASTIC_CHAT_DRAIN_SECONDS:-120}"
# How long a node may take until it is ready.
ready_seconds="${ELASTIC_CHAT_READY_SECONDS:-180}"
# What starts and stops the containers.
read -ra compose <<<"${ELASTIC_CHAT_COMPOSE:-docker compose --project-directory $revision --env-file $revision/images.env}"

say() { printf '%s %s\n' "${0##*/}:" "$*"; }
fail() {
  say "$*" >&2
  exit 1
}

number() { case "$2" in '' | *[!0-9]*) fail "$1 is $2: write a whole number of seconds" ;; esac; }
number ELASTIC_CHAT_DRAIN_SECONDS "$drain_seconds"
number ELASTIC_CHAT_READY_SECONDS "$ready_seconds"

# A call of the admin port: leaves the status in $status (000: nobody answers) and the body in $body.
ask() { # METHOD PATH
  local arguments=(--silent --max-time 5 --request "$1" --write-out '\n%{http_code}')
  if [ -n "${ELASTIC_CHAT_ADMIN_TOKEN_FILE:-}" ]; then
    # On standard input, so that no list of processes shows it.
    body="$(printf 'header = "Authorization: Bearer %s"\n' "$(head -n 1 "$ELASTIC_CHAT_ADMIN_TOKEN_FILE")" |
      curl "${arguments[@]}" --config - "$admin$2")" || true
  else
    body="$(curl "${arguments[@]}" "$admin$2")" || true
  fi
  status="${body##*$'\n'}"
  body="${body%$'\n'*}"
  [ -n "$status" ] || status=000
}

# A field of the answer, when it is a number or a plain text.
field() { sed -n "s/.*\"$1\" *: *\"\{0,1\}\([A-Za-z0-9.-]*\).*/\1/p" <<<"$body" | head -n 1; }
