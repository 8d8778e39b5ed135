//! The places where the rows of each source wait.

use std::sync::Arc;

use lakehouse_spec::{DomainName, SourceName};
use object_store::{ObjectStore, path::Path};
use url::Url;

use crate::{LandingError, Push, PushKey, Receipt, objects::Objects};

/// The landing place of a lake. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Landing {
    store: Arc<dyn ObjectStore>,
    root: Path,
}

/// Where the rows of one source wait.
#[derive(Debug, Clone)]
pub struct Inbox {
    pub(crate) objects: Objects,
    pub(crate) root: Path,
}

impl Landing {
    /// The landing place of the lake at `lake`; the root of `store` is that of the disk or of the bucket.
    pub fn open(store: Arc<dyn ObjectStore>, lake: &Url) -> Result<Self, LandingError> {
        let root = Path::from_url_path(lake.path()).map_err(|_| LandingError::Address(lake.to_string()))?;
        Ok(Self { store, root: root.join("landing") })
    }

    /// Where the rows of `source` wait.
    pub fn inbox(&self, domain: &DomainName, source: &SourceName) -> Inbox {
        let root = self.root.clone().join(domain.as_str()).join(source.as_str());
        Inbox { objects: Objects(self.store.clone()), root }
    }

    /// Fails when the store does not answer.
    pub async fn check(&self) -> Result<(), LandingError> {
        self.store.list_with_delimiter(Some(&self.root)).await.map(drop).map_err(LandingError::store("list", &self.root))
    }
}

impl Inbox {
    /// What was answered to the push of this key, if it happened.
    pub async fn receipt(&self, key: &PushKey) -> Result<Option<Receipt>, LandingError> {
        self.objects.record(&self.receipt_path(key)).await
    }

    /// Starts a push. Nothing of it counts before it is [finished](Push::finish).
    pub fn push(&self, key: PushKey) -> Push {
        Push::start(self.clone(), key)
    }

    pub(crate) fn rows(&self) -> Path {
        self.root.clone().join("rows")
    }

    pub(crate) fn receipts(&self) -> Path {
        self.root.clone().join("receipts")
    }

    pub(crate) fn batches(&self) -> Path {
        self.root.clone().join("batches")
    }

    pub(crate) fn receipt_path(&self, key: &PushKey) -> Path {
        self.receipts().join(format!("{}.json", key.digest()))
    }
}
