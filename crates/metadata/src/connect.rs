//! Opens a database: its file, its schema, its connections.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    AnyConnection, AnyPool, ConnectOptions, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use crate::{
    MetadataError,
    address::Address,
    backend::{Backend, PATIENCE, POSTGRES, SQLITE},
    error::is_busy,
    schema,
};

const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// A database that is open.
pub struct Opened {
    pub backend: &'static Backend,
    pub writer: AnyPool,
    pub reader: AnyPool,
}

/// Makes the file of a SQLite database, brings the schema up to date, and gives the connections.
pub async fn open(address: &Address) -> Result<Opened, MetadataError> {
    sqlx::any::install_default_drivers();
    let backend = match address {
        Address::Sqlite { file, .. } => {
            create_file(file)?;
            &SQLITE
        }
        Address::Postgres { .. } => &POSTGRES,
    };
    let options = AnyConnectOptions::from_url(address.url()).map_err(|source| connect_failed(address, source))?;
    bring_up_to_date(address, backend, &options).await?;
    let writer = pool(backend.writers, backend.session, &options);
    let reader = match backend.readers {
        0 => writer.clone(),
        readers => pool(readers, backend.reader_session, &options),
    };
    Ok(Opened { backend, writer, reader })
}

/// Several programs may start at once on a new SQLite file. The first to switch it to its write-ahead log holds a lock for
/// which SQLite does not always wait, so this does.
async fn bring_up_to_date(
    address: &Address,
    backend: &'static Backend,
    options: &AnyConnectOptions,
) -> Result<(), MetadataError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match try_bring_up_to_date(address, backend, options).await {
            Err(error) if is_busy(&error) && Instant::now() < deadline => tokio::time::sleep(BETWEEN_TRIES).await,
            done => return done,
        }
    }
}

async fn try_bring_up_to_date(
    address: &Address,
    backend: &'static Backend,
    options: &AnyConnectOptions,
) -> Result<(), MetadataError> {
    let failed = |source| connect_failed(address, source);
    let mut connection = within(PATIENCE, options.connect()).await.map_err(failed)?;
    let done = match connection.execute(backend.prepare).await {
        Ok(_) => schema::bring_up_to_date(address, backend, &mut connection).await,
        Err(source) => Err(failed(source)),
    };
    // Nothing is lost when this fails: what was done has been committed.
    let _ = connection.close().await;
    done
}

fn pool(connections: u32, session: &'static str, options: &AnyConnectOptions) -> AnyPool {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection: &mut AnyConnection, _| {
            Box::pin(async move { connection.execute(session).await.map(|_| ()) })
        })
        .connect_lazy_with(options.clone())
}

async fn within<T>(limit: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let timed_out = |_| sqlx::Error::Io(io::Error::from(io::ErrorKind::TimedOut));
    tokio::time::timeout(limit, work).await.map_err(timed_out)?
}

fn connect_failed(address: &Address, source: sqlx::Error) -> MetadataError {
    MetadataError::Connect { address: address.to_string(), source }
}

/// SQLite gives the files beside the database the same permissions.
fn create_file(file: &Path) -> Result<(), MetadataError> {
    if let Some(folder) = file.parent() {
        let failed = |source| MetadataError::Folder { path: folder.display().to_string(), source };
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed = |source| MetadataError::File { path: file.display().to_string(), source };
    options.open(file).map(|_| ()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;

    async fn pragma(pool: &AnyPool, sql: &'static str) -> i64 {
        pool.fetch_one(sql).await.expect(sql).get(0)
    }

    #[tokio::test]
    async fn connections_to_a_file_wait_are_durable_and_check_references() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/metadata.db", folder.path().display());
        let opened = open(&Address::parse(&url).expect("an address")).await.expect("it opens");
        let full = 2;
        assert_eq!(pragma(&opened.writer, "pragma synchronous").await, full);
        assert_eq!(pragma(&opened.writer, "pragma foreign_keys").await, 1);
        assert_eq!(pragma(&opened.reader, "pragma query_only").await, 1);
        for pool in [&opened.writer, &opened.reader] {
            assert_eq!(pragma(pool, "pragma busy_timeout").await, PATIENCE.as_millis() as i64);
        }
    }
}
