//! Where a lake is.

use std::{fmt, path::Path, str::FromStr};

use datafusion::execution::object_store::ObjectStoreUrl;
use url::Url;

use crate::LakeError;

/// The root of a lake: an absolute `file://` URL or an `s3://bucket/prefix` one; it ends in a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeLocation(Url);

impl LakeLocation {
    /// The root as a URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The folder on disk, if it is on disk.
    pub fn folder(&self) -> Option<std::path::PathBuf> {
        self.0.to_file_path().ok()
    }

    /// The store it is in: the disk, or one bucket.
    pub(crate) fn store_url(&self) -> Result<ObjectStoreUrl, LakeError> {
        let refused = |_| LakeError::Location { location: self.0.to_string() };
        match self.0.host_str() {
            Some(bucket) => ObjectStoreUrl::parse(format!("{}://{bucket}", self.0.scheme())).map_err(refused),
            None => Ok(ObjectStoreUrl::local_filesystem()),
        }
    }

    /// The URL of `path` below the root; `path` has no leading slash.
    pub(crate) fn join(&self, path: &str) -> Result<Url, LakeError> {
        self.0.join(path).map_err(|_| LakeError::Location { location: format!("{}{path}", self.0) })
    }
}

impl FromStr for LakeLocation {
    type Err = LakeError;

    /// Reads a `file://` or `s3://` URL or a path; a relative path counts from the working directory.
    fn from_str(text: &str) -> Result<Self, LakeError> {
        let refused = || LakeError::Location { location: text.to_owned() };
        let path = match text.split_once("://") {
            Some(("s3", _)) => return bucket(text).ok_or_else(refused),
            Some(("file", _)) => Url::parse(text).ok().and_then(|url| url.to_file_path().ok()).ok_or_else(refused)?,
            Some(_) => return Err(refused()),
            None if text.is_empty() => return Err(refused()),
            None => std::path::absolute(Path::new(text)).map_err(|_| refused())?,
        };
        Url::from_directory_path(path).map(Self).map_err(|()| refused())
    }
}

fn bucket(text: &str) -> Option<LakeLocation> {
    let mut url = Url::parse(text).ok().filter(|url| url.host_str().is_some_and(|bucket| !bucket.is_empty()))?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(LakeLocation(url))
}

impl fmt::Display for LakeLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::LakeLocation;

    #[test]
    fn paths_and_file_urls_are_the_same_place() {
        let from_path: LakeLocation = "/tmp/some lake".parse().expect("a path");
        let from_url: LakeLocation = "file:///tmp/some%20lake/".parse().expect("a URL");
        assert_eq!(from_path, from_url);
        assert_eq!(from_url.to_string(), "file:///tmp/some%20lake/");
    }

    #[test]
    fn a_bucket_is_a_place_with_or_without_a_prefix() {
        for (text, shown, store) in
            [("s3://bucket", "s3://bucket/", "s3://bucket/"), ("s3://bucket/some/lake", "s3://bucket/some/lake/", "s3://bucket/")]
        {
            let location: LakeLocation = text.parse().expect("a bucket");
            assert_eq!((location.to_string().as_str(), location.folder()), (shown, None));
            assert_eq!(location.store_url().expect("a store").as_str(), store);
        }
    }

    #[test]
    fn other_schemes_are_refused_with_their_name() {
        for text in ["", "ftp://host/lake", "http://host/lake", "s3://", "s3:///lake"] {
            assert!(text.parse::<LakeLocation>().is_err(), "{text}");
        }
    }
}
