//! Why a step failed.

use lakehouse_lake::LakeError;
use lakehouse_spec::TableName;

/// A failed step, with the table it was for. The cause is the source.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The select could not be planned, run or committed.
    #[error("failed to make `{table}`")]
    Table {
        /// The table.
        table: TableName,
        /// Why.
        #[source]
        source: LakeError,
    },
    /// A model names its own table, directly or through others.
    #[error("`{table}` is made from itself, through {path}")]
    Cycle {
        /// The table.
        table: TableName,
        /// The tables in between, joined by arrows.
        path: String,
    },
    /// A check with the action `stop` was broken.
    #[error("`{table}`: {rows} rows break the check `{check}`; the table is unchanged")]
    Stopped {
        /// The table.
        table: TableName,
        /// The check.
        check: String,
        /// Rows that break it.
        rows: u64,
    },
    /// The rows do not have the columns that the file beside the SQL promises.
    #[error("`{table}`: {reason}")]
    Columns {
        /// The table.
        table: TableName,
        /// Which column and why.
        reason: String,
    },
    /// The signals kernel refused its input.
    #[error("failed to compute the signals of `{table}`")]
    Signals {
        /// The table.
        table: TableName,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl EngineError {
    pub(crate) fn table(table: &TableName) -> impl Fn(LakeError) -> Self {
        move |source| Self::Table { table: table.clone(), source }
    }
}
