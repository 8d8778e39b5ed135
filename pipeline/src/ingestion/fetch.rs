//! Where sources are: a folder, or a sources API whose files are fetched into one.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use futures::TryStreamExt as _;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use super::IngestError;

/// Where a domain's sources are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// A folder on this machine.
    Folder(PathBuf),
    /// The base address of a sources API.
    Http(String),
}

impl FromStr for Sources {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_http = text.starts_with("http://") || text.starts_with("https://");
        Ok(if is_http { Self::Http(text.trim_end_matches('/').to_owned()) } else { Self::Folder(PathBuf::from(text)) })
    }
}

/// Without the credentials that an address may hold: this is recorded and shown.
impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Http(address) => f.write_str(&without_credentials(address).unwrap_or_else(|| "a sources API".to_owned())),
        }
    }
}

fn without_credentials(address: &str) -> Option<String> {
    let mut url = reqwest::Url::parse(address).ok()?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}

/// A folder with the sources, for as long as it is held.
#[derive(Debug)]
pub(crate) struct SourcesFolder {
    path: PathBuf,
    _fetched: Option<TempDir>,
}

impl SourcesFolder {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Sources {
    /// The sources as a folder: itself, or everything the sources API lists, fetched to a temporary one.
    pub(crate) async fn folder(&self) -> Result<SourcesFolder, IngestError> {
        let url = match self {
            Self::Folder(path) => return Ok(SourcesFolder { path: path.clone(), _fetched: None }),
            Self::Http(url) => url,
        };
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| IngestError::Fetch { url: url.clone(), source };
        let folder = TempDir::new().map_err(|error| failed(error.into()))?;
        let client = reqwest::Client::new();
        let listing = client.get(format!("{url}/files")).send().await.and_then(reqwest::Response::error_for_status);
        let names: Vec<String> =
            listing.map_err(|error| failed(error.into()))?.json().await.map_err(|error| failed(error.into()))?;
        for name in names {
            fetch(&client, url, &name, folder.path()).await.map_err(failed)?;
        }
        Ok(SourcesFolder { path: folder.path().to_owned(), _fetched: Some(folder) })
    }
}

async fn fetch(
    client: &reqwest::Client,
    url: &str,
    name: &str,
    folder: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // A server must not choose where its files go.
    let is_plain = !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !is_plain {
        return Err(format!("it lists a file named `{}`", name.escape_debug()).into());
    }
    let response = client.get(format!("{url}/files/{name}")).send().await?.error_for_status()?;
    let mut file = tokio::fs::File::create(folder.join(name)).await?;
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.try_next().await? {
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Sources;

    #[test]
    fn an_address_is_shown_without_its_credentials() {
        let address: Sources = "https://reader:hunter2@sources.example:9998/".parse().expect("any text");
        assert_eq!(address.to_string(), "https://sources.example:9998/");
    }
}
