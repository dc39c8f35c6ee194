#!/bin/sh
# A database and a login for each service; nobody else may even connect.
set -e

psql --username postgres -v ON_ERROR_STOP=1 -v secret="$PAYMENT_PASSWORD" <<'SQL'
CREATE ROLE payment LOGIN PASSWORD :'secret';
CREATE DATABASE payment OWNER payment;
REVOKE ALL ON DATABASE payment FROM PUBLIC;
SQL

psql --username postgres -v ON_ERROR_STOP=1 -v secret="$PROVISIONING_PASSWORD" <<'SQL'
CREATE ROLE provisioning LOGIN PASSWORD :'secret';
CREATE DATABASE provisioning OWNER provisioning;
REVOKE ALL ON DATABASE provisioning FROM PUBLIC;
SQL

psql --username postgres -v ON_ERROR_STOP=1 -v secret="$ROUTER_PASSWORD" <<'SQL'
CREATE ROLE router LOGIN PASSWORD :'secret';
CREATE DATABASE router OWNER router;
REVOKE ALL ON DATABASE router FROM PUBLIC;
SQL

psql --username postgres -v ON_ERROR_STOP=1 -v secret="$RADIUS_PASSWORD" <<'SQL'
CREATE ROLE radius LOGIN PASSWORD :'secret';
CREATE DATABASE radius OWNER radius;
REVOKE ALL ON DATABASE radius FROM PUBLIC;
SQL

psql --username postgres -v ON_ERROR_STOP=1 -v secret="$NOTIFICATION_PASSWORD" <<'SQL'
CREATE ROLE notification LOGIN PASSWORD :'secret';
CREATE DATABASE notification OWNER notification;
REVOKE ALL ON DATABASE notification FROM PUBLIC;
SQL

psql --username postgres -v ON_ERROR_STOP=1 -v secret="$SCHEDULER_PASSWORD" <<'SQL'
CREATE ROLE scheduler LOGIN PASSWORD :'secret';
CREATE DATABASE scheduler OWNER scheduler;
REVOKE ALL ON DATABASE scheduler FROM PUBLIC;
SQL

psql --username postgres -v ON_ERROR_STOP=1 -v secret="$GATEWAY_PASSWORD" <<'SQL'
CREATE ROLE gateway LOGIN PASSWORD :'secret';
CREATE DATABASE gateway OWNER gateway;
REVOKE ALL ON DATABASE gateway FROM PUBLIC;
SQL
