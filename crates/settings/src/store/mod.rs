//! Opening the object store that a URI names: the one place where credentials meet a client.

mod durable;

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut},
};
use url::Url;

use durable::DurableFileSystem;

use crate::{S3, Settings, SettingsError};

/// A store that does not answer fails a call after this long, not after the client's three minutes.
const RETRY_TIMEOUT: Duration = Duration::from_secs(40);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Settings {
    /// The store of a `file://` or `s3://bucket` URI. Its root is the root of the disk or of the bucket: paths in it are those
    /// of URIs. The folder of a `file://` URI is made if need be.
    pub fn open_store(&self, uri: &Url) -> Result<Arc<dyn ObjectStore>, SettingsError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| SettingsError::Store { uri: uri.to_string(), source };
        match uri.scheme() {
            "file" => {
                let folder = uri.to_file_path().map_err(|()| failed("it is not a folder of this machine".into()))?;
                std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
                Ok(Arc::new(DurableFileSystem::new()))
            }
            "s3" => {
                let bucket = uri.host_str().ok_or_else(|| failed("it names no bucket, as in s3://bucket/prefix".into()))?;
                let store = self.s3.builder(bucket).build().map_err(|error| failed(error.into()))?;
                Ok(Arc::new(store))
            }
            scheme => Err(failed(format!("no store is known for `{scheme}://`; use a folder or s3://bucket/prefix").into())),
        }
    }
}

impl S3 {
    /// What the settings say; for what they leave empty, the usual `AWS_*` variables, then the machine's role.
    fn builder(&self, bucket: &str) -> AmazonS3Builder {
        let client = ClientOptions::new().with_allow_http(self.allow_http).with_connect_timeout(CONNECT_TIMEOUT);
        let backoff = BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(5), base: 2.0 };
        let retry = RetryConfig { backoff, max_retries: 8, retry_timeout: RETRY_TIMEOUT };
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(client)
            .with_retry(retry)
            .with_bucket_name(bucket)
            .with_virtual_hosted_style_request(false)
            // Commits rest on it, whatever the environment says.
            .with_conditional_put(S3ConditionalPut::ETagMatch);
        let given = [
            (AmazonS3ConfigKey::Endpoint, self.endpoint.as_str()),
            (AmazonS3ConfigKey::Region, self.region.as_str()),
            (AmazonS3ConfigKey::AccessKeyId, self.access_key_id.expose()),
            (AmazonS3ConfigKey::SecretAccessKey, self.secret_access_key.expose()),
        ];
        for (key, value) in given.into_iter().filter(|(_, value)| !value.is_empty()) {
            builder = builder.with_config(key, value);
        }
        builder
    }
}
