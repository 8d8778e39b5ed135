//! Putting a table back to an earlier version, in a commit of its own.

use std::collections::HashMap;

use deltalake::{DeltaTable, DeltaTableError, kernel::Transaction};
use lakehouse_spec::{DomainName, TableName};
use serde_json::{Value, json};

use crate::{
    At, CommitNote, Committed, Lake, LakeError, LakeTable,
    commit::{Wanted, properties},
    log,
    store::qualified,
};

impl Lake {
    /// Gives a table the rows and columns it had, in a new version: nothing is lost that a restore could not bring back. With them
    /// comes the note of that time, so that the table's next writer goes on from there. An error when its files are gone.
    pub async fn restore(&self, domain: &DomainName, name: &TableName, then: &LakeTable) -> Result<Committed, LakeError> {
        let paths = then.files.iter().map(|file| file.path.clone()).collect();
        if !self.are_there(paths).await? {
            return Err(LakeError::UnknownVersion { table: qualified(domain, name), at: At::Version(then.version) });
        }
        self.land(domain, name, Wanted::Restore(then.version)).await
    }
}

pub(crate) async fn commit(
    table: &DeltaTable,
    version: u64,
    mut metadata: HashMap<String, Value>,
    transaction: Transaction,
) -> Result<Committed, DeltaTableError> {
    let then = log::tail(&table.log_store(), version).await?;
    // Null where there was none: a later note would not be true of these rows.
    metadata.insert(CommitNote::KEY.to_owned(), json!(then.note));
    let properties = properties(metadata).with_application_transaction(transaction);
    let (restored, _) = table.clone().restore().with_version_to_restore(version).with_commit_properties(properties).await?;
    Ok(Committed::Version(restored.version().unwrap_or_default()))
}
