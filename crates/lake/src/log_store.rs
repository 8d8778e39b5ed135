//! Delta logs in buckets: the library knows how to keep a log on any store that has put-if-absent, but not that S3 is one.

use std::sync::Arc;

use deltalake::{
    DeltaResult,
    logstore::{LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories},
};
use url::Url;

#[derive(Debug)]
struct ConditionalPuts;

impl LogStoreFactory for ConditionalPuts {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

/// Makes `s3://` tables known to the library; once for the process, again without effect.
pub(crate) fn register() {
    if let Ok(scheme) = Url::parse("s3://") {
        logstore_factories().entry(scheme).or_insert_with(|| Arc::new(ConditionalPuts));
    }
}
