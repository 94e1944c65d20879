#!/bin/sh
# Settles when a Valkey container is healthy: it answers, sees its cluster as ok, and follows its primary if it has one. A node of no cluster yet is healthy too.
set -eu
ask() {
    REDISCLI_AUTH=$(cat /ent/secrets/redis) valkey-cli "$@" | tr -d '\r'
}

cluster=$(ask cluster info)
if echo "$cluster" | grep -q '^cluster_known_nodes:1$'; then
    exit 0
fi
echo "$cluster" | grep -q '^cluster_state:ok$'
replication=$(ask info replication)
! echo "$replication" | grep -q '^master_link_status:down$'
