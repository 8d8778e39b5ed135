//! Why the landing place failed.

/// What can go wrong between a door and a run.
#[derive(Debug, thiserror::Error)]
pub enum LandingError {
    /// The lake's address has a path that no store can hold.
    #[error("`{0}` is no place for rows to land: its path cannot be that of an object")]
    Address(String),
    /// The object store failed.
    #[error("failed to {act} `{path}`")]
    Store {
        /// `read`, `write`, `list` or `remove`.
        act: &'static str,
        /// The object or folder, from the store's root.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A receipt or a batch is not what is written here.
    #[error("`{path}` cannot be read")]
    Record {
        /// The object, from the store's root.
        path: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The rows could not be compressed.
    #[error("failed to compress pushed rows")]
    Compress(#[source] std::io::Error),
    /// Two gather at the same time.
    #[error("somebody else is gathering the pushed rows of `{path}`")]
    Busy {
        /// The folder, from the store's root.
        path: String,
    },
}

impl LandingError {
    pub(crate) fn store<E>(act: &'static str, path: &object_store::path::Path) -> impl Fn(E) -> Self + use<E>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = path.to_string();
        move |source| Self::Store { act, path: path.clone(), source: source.into() }
    }

    /// Is there no room left for what was sent?
    pub fn is_full(&self) -> bool {
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                return matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
            }
            cause = error.source();
        }
        false
    }
}
