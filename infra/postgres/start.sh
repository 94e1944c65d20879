#!/bin/bash
# Settles how PostgreSQL's container starts: it makes its data folder once, with a password from a file, and takes the settings of this installation.
set -euo pipefail
data=/var/lib/postgresql/data/postgres

if [ ! -s "$data/PG_VERSION" ]; then
    # What an interrupted attempt has left is not looked at.
    rm -rf "$data.new"
    initdb --pgdata "$data.new" --username ent --pwfile /ent/secrets/postgres-superuser \
        --auth-host=scram-sha-256 --auth-local=reject --encoding=UTF8 --locale=C.UTF-8 --no-instructions
    echo 'host all all samenet scram-sha-256' >>"$data.new/pg_hba.conf"
    mv "$data.new" "$data"
fi
exec postgres -D "$data" -c config_file=/ent/config/postgresql.conf \
    -c hba_file="$data/pg_hba.conf" -c ident_file="$data/pg_ident.conf"
