//! Scanning a pinned version: a Parquet scan over its exact file list.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session as DataFusionSession, TableProvider},
    common::{ScalarValue, Statistics, stats::Precision},
    datasource::{
        TableType,
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource},
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    error::Result,
    execution::object_store::ObjectStoreUrl,
    logical_expr::{Expr, TableProviderFilterPushDown, utils::conjunction},
    physical_plan::{ExecutionPlan, empty::EmptyExec},
};
use object_store::ObjectMeta;

use crate::{DataFile, LakeTable};

/// A table's version as DataFusion sees it.
#[derive(Debug)]
pub(crate) struct PinnedTable {
    table: LakeTable,
    schema: TableSchema,
    store: ObjectStoreUrl,
}

impl PinnedTable {
    pub(crate) fn new(table: LakeTable, store: ObjectStoreUrl) -> Self {
        let is_partition = |field: &&Arc<Field>| table.partition_columns.contains(field.name());
        let stored_schema = table.guard.as_ref().map_or(&table.schema, |guard| &guard.stored);
        let partition: Vec<_> = stored_schema.fields().iter().filter(is_partition).cloned().collect();
        let stored: Vec<_> = stored_schema.fields().iter().filter(|field| !is_partition(field)).cloned().collect();
        let schema = TableSchema::builder(Arc::new(ArrowSchema::new(stored))).with_table_partition_cols(partition).build();
        Self { table, schema, store }
    }

    fn partitioned_file(&self, file: &DataFile) -> Result<PartitionedFile> {
        let meta = ObjectMeta {
            location: file.path.clone(),
            last_modified: Default::default(),
            size: file.size,
            e_tag: None,
            version: None,
        };
        let mut values = Vec::with_capacity(self.schema.table_partition_cols().len());
        for column in self.schema.table_partition_cols().iter() {
            let text = file.partition.get(column.name()).cloned().flatten();
            values.push(match text {
                Some(text) => ScalarValue::try_from_string(text, column.data_type())?,
                None => ScalarValue::try_from(column.data_type())?,
            });
        }
        let mut partitioned = PartitionedFile::new_from_meta(meta);
        partitioned.partition_values = values;
        Ok(partitioned)
    }

    fn statistics(&self, schema: &SchemaRef) -> Statistics {
        let mut statistics = Statistics::new_unknown(schema);
        if let Some(rows) = self.table.rows().and_then(|rows| usize::try_from(rows).ok()) {
            statistics.num_rows = Precision::Exact(rows);
        }
        if let Ok(bytes) = usize::try_from(self.table.bytes()) {
            statistics.total_byte_size = Precision::Inexact(bytes);
        }
        statistics
    }
    /// A scan of the columns as they are stored, of every row.
    pub(crate) async fn scan_files(
        &self,
        state: &dyn DataFusionSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema.table_schema().clone();
        if self.table.files.is_empty() {
            let projected = projection.map_or(Ok(schema.clone()), |columns| schema.project(columns).map(Arc::new))?;
            return Ok(Arc::new(EmptyExec::new(projected)));
        }
        let mut source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(state.config_options().execution.parquet.clone().into_table_options());
        if let Some(filter) = conjunction(filters.to_vec()) {
            let df_schema = datafusion::common::DFSchema::try_from(schema.as_ref().clone())?;
            source = source.with_predicate(state.create_physical_expr(filter, &df_schema)?);
        }
        let files = self.table.files.iter().map(|file| self.partitioned_file(file)).collect::<Result<Vec<_>>>()?;
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(self.statistics(&schema))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

#[async_trait]
impl TableProvider for PinnedTable {
    fn schema(&self) -> SchemaRef {
        self.table.guard.as_ref().map_or_else(|| self.schema.table_schema().clone(), |guard| guard.shown.clone())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let pushed = |filter: &&Expr| match &self.table.guard {
            Some(guard) if !guard.shows_all_of(filter) => TableProviderFilterPushDown::Unsupported,
            _ => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(pushed).collect())
    }

    fn statistics(&self) -> Option<Statistics> {
        self.table.guard.is_none().then(|| self.statistics(&self.schema()))
    }

    async fn scan(
        &self,
        state: &dyn DataFusionSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match &self.table.guard {
            None => self.scan_files(state, projection, filters, limit).await,
            Some(guard) => guard.scan(self, state, projection, filters).await,
        }
    }
}

/// Parquet options of the session as the options of one table.
trait IntoTableOptions {
    fn into_table_options(self) -> datafusion::config::TableParquetOptions;
}

impl IntoTableOptions for datafusion::config::ParquetOptions {
    fn into_table_options(self) -> datafusion::config::TableParquetOptions {
        datafusion::config::TableParquetOptions { global: self, ..Default::default() }
    }
}
