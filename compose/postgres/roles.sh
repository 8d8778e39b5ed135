#!/bin/bash
# Runs once, when the database is made: the programs own two databases and are superuser of none; the dashboards' role may log in
# and is given by each publication what it may read (`publish_reader`).
set -euo pipefail
psql --set ON_ERROR_STOP=1 --set lakehouse="$(</run/secrets/lakehouse_password)" --set reader="$(</run/secrets/bi_reader_password)" \
  --username postgres <<'SQL'
create role lakehouse login password :'lakehouse';
create role bi_reader login password :'reader' connection limit 20;
alter role bi_reader set default_transaction_read_only = on;
alter role bi_reader set statement_timeout = '30s';
create database lakehouse owner lakehouse;
create database marts owner lakehouse;
revoke all on database lakehouse from public;
revoke all on database marts from public;
grant connect on database marts to bi_reader;
SQL
