//! The metadata database, opened when somebody first asks for it: datamarts are served without it.

use lakehouse_metadata::{Metadata, MetadataError};
use lakehouse_service::Problem;
use lakehouse_settings::DatabaseUrl;
use tokio::sync::OnceCell;

/// The records of runs.
pub(crate) struct Records {
    url: DatabaseUrl,
    metadata: OnceCell<Metadata>,
}

impl Records {
    pub(crate) fn new(url: DatabaseUrl) -> Self {
        Self { url, metadata: OnceCell::new() }
    }

    /// The open database.
    pub(crate) async fn open(&self) -> Result<&Metadata, Problem> {
        self.metadata.get_or_try_init(|| Metadata::open(self.url.expose())).await.map_err(away)
    }
}

/// The database does not answer: the log has the cause.
pub(crate) fn away(error: MetadataError) -> Problem {
    let _logged = Problem::internal(error);
    Problem::unavailable("the metadata database does not answer; the log has the cause")
}
