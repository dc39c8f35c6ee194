#!/bin/sh
# A database and a login for each service; nobody else may even connect.
set -e

for service in payment provisioning router radius notification scheduler gateway; do
    secret=$(printenv "$(echo "$service" | tr a-z A-Z)_PASSWORD")
    psql --username postgres -v ON_ERROR_STOP=1 -v service="$service" -v secret="$secret" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'secret';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
