//! Writing rows as data files that no version contains yet.

use std::num::NonZeroU64;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use delta_kernel::table_properties::DataSkippingNumIndexedCols;
use deltalake::{
    datafile::writer::{DeltaWriter, WriterConfig},
    kernel::Add,
};
use lakehouse_spec::{DomainName, TableName};
use parquet::{
    basic::Compression,
    file::properties::{EnabledStatistics, WriterProperties},
};

use crate::{Lake, LakeError, store::qualified};

/// Rows of a Parquet row group: large enough to compress well, small enough that a writer holds little.
const ROW_GROUP_ROWS: usize = 256 * 1024;

/// Leading columns whose minimum and maximum stand in the log, Delta's own default.
const INDEXED_COLUMNS: u64 = 32;

/// How a table's files are laid out.
#[derive(Debug, Clone)]
pub struct WriteLayout {
    /// The table's columns, partition columns included.
    pub schema: SchemaRef,
    /// Columns the files are partitioned by.
    pub partition_columns: Vec<String>,
}

/// Files written and not yet visible. Dropping them leaves orphans that a vacuum removes; no reader ever sees them.
#[derive(Debug, Clone, Default)]
pub struct DataFiles {
    pub(crate) adds: Vec<Add>,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl DataFiles {
    /// Adds the files of another writer of the same table.
    pub fn merge(&mut self, other: Self) {
        self.adds.extend(other.adds);
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// Streams batches into Parquet files of one table. Holds about one row group per partition value.
pub struct TableWriter {
    writer: DeltaWriter,
    table: String,
    rows: u64,
}

impl TableWriter {
    /// A new file is begun after about `file_bytes`; without it, after Delta's own default.
    pub(crate) fn new(
        lake: &Lake,
        domain: &DomainName,
        name: &TableName,
        layout: &WriteLayout,
        file_bytes: Option<u64>,
    ) -> Result<Self, LakeError> {
        let properties = WriterProperties::builder()
            .set_created_by(format!("lakehouse {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .build();
        let config = WriterConfig::new(
            layout.schema.clone(),
            layout.partition_columns.clone(),
            Some(properties),
            file_bytes.and_then(NonZeroU64::new),
            None,
            DataSkippingNumIndexedCols::NumColumns(INDEXED_COLUMNS),
            None,
        );
        let table = qualified(domain, name);
        let store = lake.unloaded(domain, name)?.object_store();
        Ok(Self { writer: DeltaWriter::new(store, config), table, rows: 0 })
    }

    /// Adds a batch of the layout's schema.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.rows += batch.num_rows() as u64;
        let written = self.writer.write(batch).await;
        written.map_err(|source| LakeError::Write { table: self.table.clone(), source: Box::new(source) })
    }

    /// Completes the files.
    pub async fn finish(self) -> Result<DataFiles, LakeError> {
        let Self { writer, table, rows } = self;
        let adds = writer.close().await.map_err(|source| LakeError::Write { table, source: Box::new(source) })?;
        let bytes = adds.iter().filter_map(|add| u64::try_from(add.size).ok()).sum();
        Ok(DataFiles { adds, rows, bytes })
    }

    /// Gives up: what was not complete is removed.
    pub async fn abandon(self) {
        if let Err(error) = self.writer.abort().await {
            tracing::warn!(table = self.table, %error, "failed to remove an unfinished file");
        }
    }
}

impl Lake {
    /// A writer of new data files for a table. Several may write at once.
    pub fn writer(&self, domain: &DomainName, name: &TableName, layout: &WriteLayout) -> Result<TableWriter, LakeError> {
        TableWriter::new(self, domain, name, layout, None)
    }
}
