#!/usr/bin/env bash
# Settles how the services in containers are restarted one after the other, so that nobody who uses them notices.
# Usage, on the host: infra/rolling-restart.sh [SERVICE]...   (without it: auth, courses, messaging)
# Each container finishes what it has accepted, starts again, and is waited for until it is ready and the front door reaches as many as
# before. It refuses while a container is not ready, and stops at the first that does not come back.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

readonly known=(auth courses messaging)
# Seconds until a container is ready again, and until the front door has noticed.
readonly ready_limit=90 reach_limit=20

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

# How many instances of a service the front door reaches, by its own word; it tells only its own machine.
reached() {
    docker compose exec -T haproxy bash -c \
        "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && cat <&3" |
        tr -d '\r' | awk -v service="$1" '{ for (i = 1; i < NF; i++) if ($i == service) count = $(i + 1) } END { print count + 0 }'
}

health() {
    docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$1"
}

name() {
    docker inspect --format '{{.Name}}' "$1" | tr -d /
}

is_healthy() { [ "$(health "$1")" = healthy ]; }
is_reached() { [ "$(reached "$1")" -ge "$2" ]; }

# Waits until a condition holds: LIMIT, what is waited for, what to do if it does not come, the condition.
wait_for() {
    local limit=$1 what=$2 advice=$3 began=$SECONDS
    shift 3
    until "$@"; do
        [ $((SECONDS - began)) -lt "$limit" ] || fail "waited $limit s for $what; $advice"
        sleep 0.5
    done
}

services=("$@")
[ $# -gt 0 ] || services=("${known[@]}")
for service in "${services[@]}"; do
    [[ " ${known[*]} " == *" $service "* ]] || fail "no service is called \`$service\`; there are ${known[*]}"
done
# Of all services: while one container is away, those that are left serve everybody.
for service in "${known[@]}"; do
    mapfile -t containers < <(docker compose ps --quiet "$service")
    [ "${#containers[@]}" -gt 0 ] || fail "$service does not run; \`docker compose up --detach --wait\` starts it"
    for container in "${containers[@]}"; do
        is_healthy "$container" || fail "$(name "$container") is $(health "$container"); nothing was restarted"
    done
done
for service in "${services[@]}"; do
    mapfile -t containers < <(docker compose ps --quiet "$service")
    [ "${#containers[@]}" -gt 1 ] || echo "There is one container of $service: whoever uses it waits meanwhile."
    before=$(reached "$service")
    [ "$before" -gt 0 ] || fail "the front door does not reach $service; nothing more was restarted"
    for container in "${containers[@]}"; do
        began=$SECONDS
        printf '%s ... ' "$(name "$container")"
        # SIGTERM; the engine waits as long as stop_grace_period in compose.yaml says.
        docker restart "$container" >/dev/null
        wait_for "$ready_limit" "$(name "$container") to be ready" "\`docker logs --tail 20 $(name "$container")\` says why" is_healthy "$container"
        wait_for "$reach_limit" "the front door to reach it" "\`docker compose logs --tail 20 haproxy\` says what it sees" is_reached "$service" "$before"
        echo "serves again after $((SECONDS - began)) s"
    done
done
