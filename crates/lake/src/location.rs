//! Where a lake is.

use std::{fmt, path::Path, str::FromStr};

use url::Url;

use crate::LakeError;

/// The root of a lake: an absolute `file://` URL that ends in a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeLocation(Url);

impl LakeLocation {
    /// The root as a URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The folder on disk.
    pub fn folder(&self) -> Result<std::path::PathBuf, LakeError> {
        self.0.to_file_path().map_err(|()| LakeError::Location { location: self.0.to_string() })
    }

    /// The URL of `path` below the root; `path` has no leading slash.
    pub(crate) fn join(&self, path: &str) -> Result<Url, LakeError> {
        self.0.join(path).map_err(|_| LakeError::Location { location: format!("{}{path}", self.0) })
    }
}

impl FromStr for LakeLocation {
    type Err = LakeError;

    /// Reads a `file://` URL or a path; a relative path counts from the working directory.
    fn from_str(text: &str) -> Result<Self, LakeError> {
        let refused = || LakeError::Location { location: text.to_owned() };
        let path = match text.split_once("://") {
            Some(("file", _)) => Url::parse(text).ok().and_then(|url| url.to_file_path().ok()).ok_or_else(refused)?,
            Some(_) => return Err(refused()),
            None if text.is_empty() => return Err(refused()),
            None => std::path::absolute(Path::new(text)).map_err(|_| refused())?,
        };
        Url::from_directory_path(path).map(Self).map_err(|()| refused())
    }
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
    fn other_schemes_are_refused_with_their_name() {
        for text in ["", "ftp://host/lake", "http://host/lake"] {
            assert!(text.parse::<LakeLocation>().is_err(), "{text}");
        }
    }
}
