//! Which failures may be gone the next time.

use std::{
    error::Error,
    io::{self, ErrorKind},
};

use deltalake::DeltaTableError;
use object_store::client::{HttpError, HttpErrorKind};

/// What the store's client says of an answer that is the store's own failure. It keeps the status to itself, so its text is what
/// there is to go by.
const SERVER_FAILURES: [&str; 2] = ["Server returned non-2xx status code: 5", "Server returned non-2xx status code: 429"];

/// Is there a cause of `error` that passes: a network that broke off, a server that was not there or overloaded, another writer
/// that was quicker? Everything else, such as a full disk, a wrong password or bad data, is there the next time as well.
pub fn is_transient(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if passes(error) {
            return true;
        }
        // An I/O error shows the cause of what it holds, not what it holds.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = held.map_or_else(|| error.source(), |held| Some(held));
    }
    false
}

fn passes(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<HttpError>() {
        return !matches!(error.kind(), HttpErrorKind::Decode);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::NotConnected
                | ErrorKind::BrokenPipe
                | ErrorKind::TimedOut
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
        );
    }
    if let Some(error) = error.downcast_ref::<DeltaTableError>() {
        return matches!(error, DeltaTableError::VersionAlreadyExists(_));
    }
    let text = error.to_string();
    SERVER_FAILURES.iter().any(|failure| text.starts_with(failure))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::{ObjectStore, ObjectStoreExt as _, aws::AmazonS3Builder, path::Path};

    use super::*;

    #[tokio::test]
    async fn a_store_that_is_not_there_may_be_there_later() {
        let retry = object_store::RetryConfig { max_retries: 0, ..Default::default() };
        let nowhere = AmazonS3Builder::new().with_endpoint("http://127.0.0.1:9").with_allow_http(true).with_retry(retry);
        let nowhere = nowhere.with_bucket_name("b").with_region("r").with_access_key_id("k").with_secret_access_key("s");
        let store: Arc<dyn ObjectStore> = Arc::new(nowhere.build().unwrap());
        let error = store.get(&Path::from("object")).await.unwrap_err();
        assert!(is_transient(&error), "{error:?}");
        assert!(is_transient(&crate::LakeError::Store { path: "object".to_owned(), source: error }));
    }

    #[test]
    fn a_full_disk_or_a_forbidden_folder_will_be_so_later() {
        for kind in [ErrorKind::StorageFull, ErrorKind::PermissionDenied, ErrorKind::NotFound, ErrorKind::InvalidData] {
            let error = object_store::Error::Generic { store: "disk", source: Box::new(io::Error::from(kind)) };
            assert!(!is_transient(&error), "{kind}");
            let reset = io::Error::new(kind, io::Error::from(ErrorKind::ConnectionReset));
            assert!(is_transient(&reset), "its cause is a broken connection");
        }
    }
}
