//! What every step shares: a table, the select it is made from, and what has changed since it was last made.

use std::{fmt, sync::Arc};

use lakehouse_lake::{CommitNote, Lake, LakeTable, Session};
use lakehouse_spec::{DomainName, TableName, WriteMode};
use tokio_util::sync::CancellationToken;

use crate::{Decision, EngineError, InputVersions, decide, sink::StepReport};

/// Hears of rows on their way into a table, batch by batch. Cheap to clone.
#[derive(Clone)]
pub struct OnRows(Arc<dyn Fn(u64) + Send + Sync>);

impl OnRows {
    /// Calls `listener` with the rows of each batch, on whatever thread writes it.
    pub fn new(listener: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn tell(&self, rows: usize) {
        (self.0)(rows as u64);
    }
}

impl fmt::Debug for OnRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRows")
    }
}

/// A table to be brought up to date.
#[derive(Debug, Clone, Copy)]
pub struct TableJob<'a> {
    /// Where its tables are.
    pub lake: &'a Lake,
    /// Its domain.
    pub domain: &'a DomainName,
    /// The table.
    pub table: &'a TableName,
    /// The select its rows come from.
    pub sql: &'a str,
    /// The run's name, for notes and quarantine.
    pub run: &'a str,
    /// Hears of its rows while they are written.
    pub on_rows: &'a OnRows,
    /// Cancelled, the rows that were written are given up and the table stays as it is. A commit that has begun is finished.
    pub stop: &'a CancellationToken,
}

/// A job whose inputs are pinned and registered in a session.
pub(crate) struct Prepared {
    pub session: Session,
    pub inputs: Vec<LakeTable>,
    pub decision: Decision,
    /// What the commit before remembered.
    pub last: Option<CommitNote>,
    /// What the commit will remember.
    pub note: CommitNote,
    /// The table's version when there is nothing to do.
    pub unchanged_at: Option<u64>,
}

impl TableJob<'_> {
    /// Pins the inputs and decides.
    pub(crate) async fn prepare(self, definition: String, write: &WriteMode) -> Result<Prepared, EngineError> {
        let failed = EngineError::table(self.table);
        let session = self.lake.session(self.domain);
        let inputs = session.register_references(self.lake, self.sql).await.map_err(&failed)?;
        let versions: InputVersions = inputs.iter().map(|input| (input.name.clone(), input.data_version)).collect();
        let present = self.lake.table(self.domain, self.table).await.map_err(&failed)?;
        let last = present.as_ref().and_then(|table| table.note.clone());
        let decision = decide(last.as_ref(), &definition, &versions, write);
        let unchanged_at = present.filter(|_| decision == Decision::Skip).map(|table| table.version);
        let note = CommitNote {
            run: self.run.to_owned(),
            definition,
            inputs: versions.iter().map(|(table, version)| (table.to_string(), version.to_string())).collect(),
            ..CommitNote::default()
        };
        Ok(Prepared { session, inputs, decision, last, note, unchanged_at })
    }

    /// The report of a step that had nothing to do.
    pub(crate) fn unchanged(self, version: u64, started: std::time::Instant) -> StepReport {
        StepReport::new(self.table, &Decision::Skip, version, started)
    }
}
