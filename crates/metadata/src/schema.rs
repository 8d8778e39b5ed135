//! The schema and how a database gets it.

use sqlx::{
    AnyConnection, Connection, SqlSafeStr,
    migrate::{Migrate, MigrateError, Migration, MigrationType},
};

use crate::{MetadataError, address::Address, backend::Backend};

/// Where a database keeps which steps it has got; the name that the driver's own tools expect.
const HISTORY: &str = "_sqlx_migrations";

const TABLES: &str = include_str!("../migrations/0001_runs_steps_events_leases.sql");
const CLOCK_POSTGRES: &str = include_str!("../migrations/0002_clock.postgres.sql");
const CLOCK_SQLITE: &str = include_str!("../migrations/0002_clock.sqlite.sql");
const RUN_REQUESTS: &str = include_str!("../migrations/0003_run_requests.sql");
const ACCOUNTS: &str = include_str!("../migrations/0004_accounts.sql");

/// Every step from an empty database to the present schema, in order. A step that has been released never changes.
fn migrations(address: &Address) -> Vec<Migration> {
    let clock = match address {
        Address::Sqlite { .. } => CLOCK_SQLITE,
        Address::Postgres { .. } => CLOCK_POSTGRES,
    };
    let steps = [
        (1, "runs steps events leases", TABLES),
        (2, "clock", clock),
        (3, "run requests", RUN_REQUESTS),
        (4, "accounts", ACCOUNTS),
    ];
    let migration = |(version, description, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    steps.into_iter().map(migration).collect()
}

/// Applies what is missing, in one transaction and under a lock, so that of several programs that start at once one does it
/// and the others find it done.
pub async fn bring_up_to_date(
    address: &Address,
    backend: &'static Backend,
    connection: &mut AnyConnection,
) -> Result<(), MetadataError> {
    let failed = |source: sqlx::Error| MetadataError::Schema { address: address.to_string(), source: source.into() };
    let mut transaction = connection.begin_with(backend.begin_schema).await.map_err(failed)?;
    apply_missing(address, &mut transaction).await?;
    transaction.commit().await.map_err(failed)
}

/// The driver's `Migrator` does the same under a lock of its own, which does nothing on SQLite.
async fn apply_missing(address: &Address, connection: &mut AnyConnection) -> Result<(), MetadataError> {
    let failed = |source: MigrateError| MetadataError::Schema { address: address.to_string(), source };
    connection.ensure_migrations_table(HISTORY).await.map_err(failed)?;
    let applied = connection.list_applied_migrations(HISTORY).await.map_err(failed)?;
    let migrations = migrations(address);
    let found = applied.iter().map(|applied| applied.version).max().unwrap_or_default();
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or_default();
    if found > known {
        return Err(MetadataError::Newer { address: address.to_string(), found, known });
    }
    for migration in &migrations {
        match applied.iter().find(|applied| applied.version == migration.version) {
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(MetadataError::OtherSchema { address: address.to_string(), version: migration.version }),
            None => {
                connection.apply(HISTORY, migration).await.map_err(failed)?;
            }
        }
    }
    Ok(())
}
