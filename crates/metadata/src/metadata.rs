//! The handle that everything is asked through.

use std::{fmt, sync::Arc};

use sqlx::{Any, AnyPool, Transaction};

use crate::{MetadataError, address::Address, backend::Backend, connect};

/// An open metadata database. Cheap to clone; a connection that broke is replaced by the next call.
#[derive(Clone)]
pub struct Metadata {
    address: Arc<Address>,
    pub(crate) backend: &'static Backend,
    pub(crate) writer: AnyPool,
    pub(crate) reader: AnyPool,
}

impl Metadata {
    /// Opens the database at `sqlite:///folder/metadata.db` or `postgres://user:password@host/database` and brings its schema
    /// up to date. A SQLite file is made if need be, with its folder, for its owner only; a PostgreSQL database must exist.
    pub async fn open(url: &str) -> Result<Self, MetadataError> {
        let address = Address::parse(url)?;
        let connect::Opened { backend, writer, reader } = connect::open(&address).await?;
        Ok(Self { address: Arc::new(address), backend, writer, reader })
    }

    /// Closes every connection, of all clones. Waits for the calls under way; later ones fail.
    pub async fn close(&self) {
        // A writer goes last: the last connection to a SQLite file tidies up behind itself, which a reader may not.
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction that will write.
    pub(crate) async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        self.writer.begin_with(self.backend.begin).await
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metadata").field(&self.address).finish()
    }
}

/// An error of a statement, to be given its cause.
pub(crate) fn failed(act: &'static str, object: impl fmt::Display) -> impl FnOnce(sqlx::Error) -> MetadataError {
    let object = object.to_string();
    move |source| MetadataError::Query { act, object, source }
}
