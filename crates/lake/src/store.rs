//! Opening a lake: its object store, its memory, its tables.

use std::sync::Arc;

use datafusion::{
    execution::{
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::{FairSpillPool, TrackConsumersPool},
        object_store::ObjectStoreUrl,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    prelude::SessionConfig,
};
use deltalake::{DeltaTable, DeltaTableBuilder};
use futures::TryStreamExt as _;
use lakehouse_spec::{DomainName, Schema, TableName};
use object_store::{ObjectStore, path::Path};

use crate::{
    LakeError, LakeLocation, LakeTable, Session, Viewer, log_store, session::Author, share::with_share, unspilled::Unspilled,
};

/// How a lake is opened.
#[derive(Debug, Clone)]
pub struct LakeOptions {
    /// The root.
    pub location: LakeLocation,
    /// What the process may hold, in bytes: five eighths go to sorting, joining and aggregating, which spill or fail beyond it;
    /// the rest is for reading, writing and the state of signals.
    pub memory_limit: usize,
    /// How many threads a query uses.
    pub threads: usize,
}

impl LakeOptions {
    /// A lake at a folder or URI, with all of the machine's threads and `memory_limit_mb` MiB.
    pub fn new(location: &str, memory_limit_mb: u64) -> Result<Self, LakeError> {
        Ok(Self {
            location: location.parse()?,
            memory_limit: usize::try_from(memory_limit_mb << 20).unwrap_or(usize::MAX),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        })
    }
}

/// A root folder with Delta tables, and the memory and disk its queries may use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lake {
    pub(crate) location: LakeLocation,
    pub(crate) store_url: ObjectStoreUrl,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) runtime: Arc<RuntimeEnv>,
    pub(crate) threads: usize,
    /// Who looks; nobody in particular sees everything.
    pub(crate) viewer: Option<Arc<Viewer>>,
}

impl Lake {
    /// Opens the lake in `store`, whose root is that of the disk or of the bucket.
    pub fn open(options: LakeOptions, store: Arc<dyn ObjectStore>) -> Result<Self, LakeError> {
        let location = options.location.to_string();
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| LakeError::Open { location: location.clone(), source };
        let pool = FairSpillPool::new(options.memory_limit / 8 * 5);
        let pool = TrackConsumersPool::new(pool, std::num::NonZeroUsize::MIN.saturating_add(4));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(Unspilled(Arc::new(pool))))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::OsTmpDirectory))
            .build_arc()
            .map_err(|e| failed(e.into()))?;
        let store_url = options.location.store_url()?;
        runtime.register_object_store(store_url.as_ref(), store.clone());
        log_store::register();
        Ok(Self { location: options.location, store_url, store, runtime, threads: options.threads.max(1), viewer: None })
    }

    /// The root.
    pub fn location(&self) -> &LakeLocation {
        &self.location
    }

    /// How many threads a query uses.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The current version of a table; `None` when it does not exist yet, or not for whoever looks.
    pub async fn table(&self, domain: &DomainName, name: &TableName) -> Result<Option<LakeTable>, LakeError> {
        if !self.is_shown(domain, name) {
            return Ok(None);
        }
        let Some(table) = self.load(domain, name).await? else { return Ok(None) };
        Ok(self.shown(LakeTable::from_delta(domain, name, &table).await?))
    }

    /// An earlier version of a table; `None` when the table or that version is not there any more.
    pub async fn table_at(&self, domain: &DomainName, name: &TableName, version: u64) -> Result<Option<LakeTable>, LakeError> {
        if !self.is_shown(domain, name) {
            return Ok(None);
        }
        let mut table = self.unloaded(domain, name)?;
        match table.load_version(version).await {
            Ok(()) => Ok(self.shown(LakeTable::from_delta(domain, name, &table).await?)),
            Err(error) => {
                tracing::info!(table = qualified(domain, name), version, %error, "an earlier version cannot be read any more");
                Ok(None)
            }
        }
    }

    /// The tables of a domain, in order of schema and name.
    pub async fn tables(&self, domain: &DomainName) -> Result<Vec<TableName>, LakeError> {
        let mut tables = Vec::new();
        for schema in Schema::ALL {
            let folders = self.folders(&format!("{}/{domain}", schema.as_str())).await?;
            let names = folders.iter().filter_map(|folder| TableName::new(schema, folder).ok());
            tables.extend(names.filter(|name| self.is_shown(domain, name)));
        }
        Ok(tables)
    }

    /// The domains that have a table.
    pub async fn domains(&self) -> Result<Vec<DomainName>, LakeError> {
        let mut domains = Vec::new();
        for schema in Schema::ALL {
            let folders = self.folders(schema.as_str()).await?;
            domains.extend(folders.iter().filter_map(|folder| folder.parse().ok()));
        }
        domains.sort();
        domains.dedup();
        Ok(domains)
    }

    /// An empty session whose default catalog is `domain`.
    pub fn session(&self, domain: &DomainName) -> Session {
        Session::new(self, domain, self.runtime.clone(), Author::Domain)
    }

    /// An empty session for a client's query, which may use `bytes` of the lake's memory.
    pub fn client_session(&self, domain: &DomainName, bytes: usize) -> Session {
        Session::new(self, domain, with_share(&self.runtime, bytes), Author::Client)
    }

    pub(crate) fn session_config(&self, domain: &DomainName) -> SessionConfig {
        let mut config = SessionConfig::new()
            .with_target_partitions(self.threads)
            .with_default_catalog_and_schema(domain.as_str(), Schema::Gold.as_str())
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(false);
        let options = config.options_mut();
        options.execution.time_zone = Some("UTC".to_owned());
        options.execution.parquet.pushdown_filters = true;
        config
    }

    /// The Delta table, loaded; `None` when it does not exist yet.
    pub(crate) async fn load(&self, domain: &DomainName, name: &TableName) -> Result<Option<DeltaTable>, LakeError> {
        let failed = |source| LakeError::Log { table: qualified(domain, name), source: Box::new(source) };
        let mut table = self.unloaded(domain, name)?;
        if !table.verify_deltatable_existence().await.map_err(failed)? {
            return Ok(None);
        }
        table.load().await.map_err(failed)?;
        Ok(Some(table))
    }

    /// The Delta table, without a look at its log.
    pub(crate) fn unloaded(&self, domain: &DomainName, name: &TableName) -> Result<DeltaTable, LakeError> {
        let failed = |source| LakeError::Log { table: qualified(domain, name), source: Box::new(source) };
        let url = self.location.join(&format!("{}/{domain}/{}/", name.schema.as_str(), name.table))?;
        let builder = DeltaTableBuilder::from_url(url.clone()).map_err(failed)?;
        builder.with_storage_backend(self.store.clone(), url).build().map_err(failed)
    }

    async fn folders(&self, below_root: &str) -> Result<Vec<String>, LakeError> {
        let failed = |source| LakeError::Store { path: below_root.to_owned(), source };
        let prefix = Path::from_url_path(self.location.join(below_root)?.path())
            .map_err(|source| LakeError::Store { path: below_root.to_owned(), source: source.into() })?;
        let listing = self.store.list_with_delimiter(Some(&prefix)).await.map_err(failed)?;
        Ok(listing.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
    }

    /// Bytes of every object below the root's `path`, for reports.
    pub async fn size_of(&self, path: &str) -> Result<u64, LakeError> {
        let failed = |source| LakeError::Store { path: path.to_owned(), source };
        let prefix = Path::from_url_path(self.location.join(path)?.path())
            .map_err(|source| LakeError::Store { path: path.to_owned(), source: source.into() })?;
        self.store.list(Some(&prefix)).try_fold(0, |total, object| async move { Ok(total + object.size) }).await.map_err(failed)
    }
}

pub(crate) fn qualified(domain: &DomainName, name: &TableName) -> String {
    format!("{domain}.{name}")
}
