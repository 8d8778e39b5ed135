//! Read-only SQL over pinned tables.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider},
    common::{Column, ScalarValue, TableReference},
    datasource::{ViewTable, provider_as_source},
    execution::{
        SendableRecordBatchStream, object_store::ObjectStoreUrl, runtime_env::RuntimeEnv, session_state::SessionStateBuilder,
    },
    logical_expr::{LogicalPlan, LogicalPlanBuilder, ScalarUDF, col, lit},
    prelude::{DataFrame, SQLOptions, SessionContext},
    sql::{parser::DFParserBuilder, resolve::resolve_table_references},
};
use futures::{Stream, StreamExt as _};
use lakehouse_spec::{ColumnName, DomainName, Schema, TableName};

use crate::{
    At, Lake, LakeError, LakeTable, Leash,
    bounded::{BoundedOperators, bounded},
    catalogue::is_catalogue,
    leashed::Leashing,
    lists::list_functions,
    scan::PinnedTable,
    wording,
};

/// The tables a statement names: domain and table, each once.
pub type TableReferences = Vec<(DomainName, TableName)>;

/// A place to run queries: the tables registered in it and nothing else. No files, no URLs, no settings, no writes.
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
    domain: DomainName,
    store: ObjectStoreUrl,
    leash: Leash,
    author: Author,
    /// PostgreSQL's catalogue is known, beside the tables.
    has_catalogue: bool,
}

/// Who wrote the queries of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// Whoever keeps the domain.
    Domain,
    /// Anybody: functions work within bounds, no function makes tables, and nothing recurs.
    Client,
}

impl Session {
    pub(crate) fn new(lake: &Lake, domain: &DomainName, runtime: Arc<RuntimeEnv>, author: Author) -> Self {
        let leash = Leash::default();
        let mut config = lake.session_config(domain);
        config.options_mut().execution.enable_recursive_ctes = author == Author::Domain;
        let mut builder = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime);
        if author == Author::Client {
            builder = builder.with_expr_planners(vec![Arc::new(BoundedOperators::default())]);
        }
        builder = builder.with_default_features().with_physical_optimizer_rule(Arc::new(Leashing(leash.clone())));
        if author == Author::Domain {
            builder.scalar_functions().get_or_insert_default().extend(list_functions());
        }
        if author == Author::Client {
            let functions = builder.scalar_functions().take().unwrap_or_default();
            builder = builder.with_scalar_functions(bounded(functions)).with_table_function_list(Vec::new());
        }
        let context = SessionContext::new_with_state(builder.build());
        Self { context, domain: domain.clone(), store: lake.store_url.clone(), leash, author, has_catalogue: false }
    }

    /// The same session for a client of PostgreSQL, whose statements may name its catalogue.
    pub fn with_catalogue(self) -> Self {
        Self { has_catalogue: true, ..self }
    }

    pub(crate) fn has_catalogue(&self) -> bool {
        self.has_catalogue
    }

    pub(crate) fn domain_name(&self) -> &DomainName {
        &self.domain
    }

    pub(crate) fn register_function(&self, function: ScalarUDF) {
        self.context.register_udf(function);
    }

    /// Stops the queries of this session.
    pub fn leash(&self) -> &Leash {
        &self.leash
    }

    /// Makes a pinned table known under `domain.schema.table`.
    pub fn register(&self, table: LakeTable) -> Result<(), LakeError> {
        let (domain, name) = (table.domain.clone(), table.name.clone());
        self.provide(&domain, &name, Arc::new(PinnedTable::new(table, self.store.clone())))
    }

    fn provide(&self, domain: &DomainName, name: &TableName, rows: Arc<dyn TableProvider>) -> Result<(), LakeError> {
        self.provide_as(domain, name.schema.as_str(), &name.table, rows)
    }

    /// Makes a table of the catalogue known, by schema and name.
    pub(crate) fn provide_catalogue(&self, name: &str, rows: Arc<dyn TableProvider>) -> Result<(), LakeError> {
        let (schema, table) = name.split_once('.').unwrap_or(("pg_catalog", name));
        self.provide_as(&self.domain, schema, table, rows)
    }

    fn provide_as(
        &self,
        domain: &DomainName,
        schema_name: &str,
        table: &str,
        rows: Arc<dyn TableProvider>,
    ) -> Result<(), LakeError> {
        let catalog = self.catalog(domain);
        let schema: Arc<dyn SchemaProvider> = match catalog.schema(schema_name) {
            Some(schema) => schema,
            None => {
                let schema = Arc::new(MemorySchemaProvider::new());
                catalog.register_schema(schema_name, schema.clone()).map_err(LakeError::plan)?;
                schema
            }
        };
        schema.deregister_table(table).map_err(LakeError::plan)?;
        schema.register_table(table.to_owned(), rows).map_err(LakeError::plan)?;
        Ok(())
    }

    /// Makes known only the rows of a pinned table that are at or after an instant, in microseconds since 1970.
    pub fn register_since(&self, table: LakeTable, time: &ColumnName, micros: i64) -> Result<(), LakeError> {
        let (domain, name) = (table.domain.clone(), table.name.clone());
        let instant = ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()));
        let rows = provider_as_source(Arc::new(PinnedTable::new(table, self.store.clone())));
        let plan = LogicalPlanBuilder::scan(name.table.as_str(), rows, None)
            .and_then(|scan| scan.filter(col(Column::from_name(time.as_str())).gt_eq(lit(instant))))
            .and_then(LogicalPlanBuilder::build)
            .map_err(LakeError::plan)?;
        self.provide(&domain, &name, Arc::new(ViewTable::new(plan, None)))
    }

    /// Registers the current version of every table that `sql` names. A table that does not exist is an error.
    pub async fn register_references(&self, lake: &Lake, sql: &str) -> Result<Vec<LakeTable>, LakeError> {
        let mut tables = Vec::new();
        for (domain, name) in self.references(sql)? {
            let unknown = || LakeError::UnknownTable { table: format!("{domain}.{name}") };
            let table = lake.table(&domain, &name).await?.ok_or_else(unknown)?;
            self.register(table.clone())?;
            tables.push(table);
        }
        Ok(tables)
    }

    /// Registers every table that `sql` names as it was.
    pub async fn register_references_at(&self, lake: &Lake, sql: &str, at: At) -> Result<Vec<LakeTable>, LakeError> {
        let mut tables = Vec::new();
        for (domain, name) in self.references(sql)? {
            let table = lake.table_as_of(&domain, &name, at).await?;
            self.register(table.clone())?;
            tables.push(table);
        }
        Ok(tables)
    }

    /// The tables `sql` names. Nothing is looked up.
    pub fn references(&self, sql: &str) -> Result<TableReferences, LakeError> {
        let relations = self.relations(sql)?;
        let ours = relations.iter().filter(|relation| !self.is_of_catalogue(relation));
        ours.map(|relation| self.reference(relation)).collect()
    }

    /// The tables of PostgreSQL's catalogue that `sql` names, each as `schema.table`.
    pub(crate) fn catalogue_references(&self, sql: &str) -> Result<Vec<String>, LakeError> {
        let relations = self.relations(sql)?;
        let found = relations.iter().filter(|relation| self.is_of_catalogue(relation));
        Ok(found.map(|relation| format!("{}.{}", relation.schema().unwrap_or_default(), relation.table())).collect())
    }

    fn is_of_catalogue(&self, relation: &TableReference) -> bool {
        self.has_catalogue
            && relation.catalog().is_none_or(|catalog| catalog == self.domain.as_str())
            && relation.schema().is_some_and(is_catalogue)
    }

    fn relations(&self, sql: &str) -> Result<Vec<TableReference>, LakeError> {
        if self.author == Author::Client {
            wording::check(sql).map_err(LakeError::plan)?;
        }
        let statements = DFParserBuilder::new(sql).build().and_then(|mut parser| parser.parse_statements());
        let statements = statements.map_err(LakeError::plan)?;
        let Some(statement) = statements.front().filter(|_| statements.len() == 1) else {
            return Err(LakeError::NotReadOnly { reason: format!("{} statements where one is expected", statements.len()) });
        };
        let (relations, _ctes) = resolve_table_references(statement, true).map_err(LakeError::plan)?;
        Ok(relations)
    }

    fn reference(&self, relation: &TableReference) -> Result<(DomainName, TableName), LakeError> {
        let unknown = || LakeError::UnknownTable { table: relation.to_string() };
        let domain = match relation.catalog() {
            Some(catalog) => catalog.parse().map_err(|_| unknown())?,
            None => self.domain.clone(),
        };
        let schema: Schema = relation.schema().unwrap_or(Schema::Gold.as_str()).parse().map_err(|_| unknown())?;
        let name = TableName::new(schema, relation.table()).map_err(|_| unknown())?;
        Ok((domain, name))
    }

    /// Plans a query. Anything but one read-only query is refused.
    pub async fn plan(&self, sql: &str) -> Result<LogicalPlan, LakeError> {
        let plan = self.context.state().create_logical_plan(sql).await.map_err(LakeError::plan)?;
        let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        match read_only.verify_plan(&plan) {
            Ok(()) => Ok(plan),
            Err(error) => Err(LakeError::NotReadOnly { reason: error.strip_backtrace() }),
        }
    }

    /// A data frame over a query, for those that add to its plan.
    pub async fn frame(&self, sql: &str) -> Result<DataFrame, LakeError> {
        let plan = self.plan(sql).await?;
        Ok(DataFrame::new(self.context.state(), plan))
    }

    /// Runs a query; rows come as they are ready, in one stream.
    pub async fn query(&self, sql: &str) -> Result<QueryStream, LakeError> {
        let frame = self.frame(sql).await?;
        let stream = frame.execute_stream().await.map_err(LakeError::execute)?;
        Ok(QueryStream(stream))
    }

    fn catalog(&self, domain: &DomainName) -> Arc<dyn CatalogProvider> {
        if let Some(catalog) = self.context.catalog(domain.as_str()) {
            return catalog;
        }
        let catalog = Arc::new(MemoryCatalogProvider::new());
        self.context.register_catalog(domain.as_str(), catalog.clone());
        catalog
    }
}

/// The rows of a query, batch by batch.
pub struct QueryStream(SendableRecordBatchStream);

impl QueryStream {
    /// The result's columns.
    pub fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}

impl From<SendableRecordBatchStream> for QueryStream {
    fn from(stream: SendableRecordBatchStream) -> Self {
        Self(stream)
    }
}

impl Stream for QueryStream {
    type Item = Result<RecordBatch, LakeError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context).map(|item| item.map(|batch| batch.map_err(LakeError::execute)))
    }
}
