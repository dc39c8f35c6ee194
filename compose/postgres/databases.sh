#!/bin/sh
# Runs once, in a new cluster: a login and a database of its own for each service whose URL is here
# (/run/secrets/<service>_database_url). Nobody but its owner may open it.
set -eu
as_superuser() { psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres "$@"; }

for file in /run/secrets/*_database_url; do
    service=$(basename "$file" _database_url)
    # postgresql://login:password@host:port/database
    password=$(sed -e 's,^[a-z]*://[^:]*:,,' -e 's,@.*$,,' "$file")
    as_superuser -v service="$service" -v password="$password" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE CONNECT, TEMPORARY ON DATABASE :"service" FROM PUBLIC;
SQL
done
as_superuser <<'SQL'
REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE template1 FROM PUBLIC;
SQL
