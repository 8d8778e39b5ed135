//! Models and their versions.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use lakehouse_spec::ModelName;
use object_store::{ObjectStore, path::Path};
use url::Url;

use crate::{
    FileRecord, ModelVersion, NewVersion, RegistryError, VersionNumber, VersionPage,
    artifacts::{Artifacts, folders},
    numbered::Numbered,
    record::write_id,
};

const MAX_FILE_NAME_BYTES: usize = 200;

/// A registry of models. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) root: Path,
}

impl Registry {
    /// The registry at `uri`, in the store that holds it: the root of `store` is that of the disk or of the bucket.
    pub fn open(store: Arc<dyn ObjectStore>, uri: &Url) -> Result<Self, RegistryError> {
        let root = Path::from_url_path(uri.path()).map_err(|_| RegistryError::Address(uri.to_string()))?;
        Ok(Self::at(store, root))
    }

    /// The registry below `root` of a store.
    pub fn at(store: Arc<dyn ObjectStore>, root: Path) -> Self {
        Self { store, root }
    }

    pub(crate) fn artifacts(&self) -> Artifacts<'_> {
        Artifacts { store: &self.store, root: &self.root }
    }

    pub(crate) fn numbered(&self, folder: &[&str]) -> Numbered<'_> {
        let folder = folder.iter().fold(self.root.clone(), |path, part| path.join(*part));
        Numbered { store: &self.store, folder }
    }

    fn version_records(&self, model: &ModelName) -> Numbered<'_> {
        self.numbered(&["models", model.as_str(), "versions"])
    }

    /// Registers a version under the next free number. What equals the latest version in manifest and files is that version.
    pub async fn register(&self, model: &ModelName, new: NewVersion) -> Result<ModelVersion, RegistryError> {
        check_file_names(&new.files)?;
        let mut files = Vec::with_capacity(new.files.len());
        for (name, bytes) in new.files {
            let size_bytes = bytes.len() as u64;
            files.push(FileRecord { name, sha256: self.artifacts().put(bytes).await?, size_bytes });
        }
        let records = self.version_records(model);
        let next = |latest: Option<&ModelVersion>, number| {
            let is_same = latest.is_some_and(|latest| latest.files == files && latest.manifest == new.manifest);
            (!is_same).then(|| ModelVersion {
                model: model.clone(),
                version: VersionNumber(number),
                created_at: new.created_at,
                manifest: new.manifest.clone(),
                files: files.clone(),
                write_id: write_id(),
            })
        };
        records.append(next).await
    }

    /// Every model that has been registered, by name.
    pub async fn models(&self) -> Result<Vec<ModelName>, RegistryError> {
        let names = folders(&self.store, &self.root.clone().join("models")).await?;
        let mut models: Vec<ModelName> = names.into_iter().filter_map(|name| name.parse().ok()).collect();
        models.sort_unstable();
        Ok(models)
    }

    /// A page of a model's versions, newest first. Its cost does not depend on how many versions there are.
    pub async fn versions(&self, model: &ModelName, page: VersionPage) -> Result<Vec<ModelVersion>, RegistryError> {
        let records = self.version_records(model);
        let latest = records.latest_number().await?;
        let newest = page.before.map_or(latest, |before| latest.min(before.0.saturating_sub(1)));
        records.read_all((1..=newest).rev()).take(page.limit).try_collect().await
    }

    /// A version.
    pub async fn version(&self, model: &ModelName, version: VersionNumber) -> Result<ModelVersion, RegistryError> {
        let records = self.version_records(model);
        let found: Option<ModelVersion> = records.read(version.0).await?;
        let found = found.ok_or_else(|| RegistryError::UnknownVersion { model: model.clone(), version })?;
        if found.model != *model || found.version != version {
            let reason = format!("it describes version {} of `{}`", found.version, found.model);
            return Err(RegistryError::Damaged { path: records.path(version.0).to_string(), reason });
        }
        Ok(found)
    }

    /// A file of a version, verified against the digest and length it had when it was registered.
    pub async fn read_file(&self, model: &ModelName, version: VersionNumber, name: &str) -> Result<Bytes, RegistryError> {
        let ModelVersion { files, .. } = self.version(model, version).await?;
        match files.iter().find(|file| file.name == name) {
            Some(file) => self.artifacts().get(&file.sha256, file.size_bytes).await,
            None => {
                let known = files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ");
                Err(RegistryError::UnknownFile { model: model.clone(), version, name: name.to_owned(), known })
            }
        }
    }
}

fn check_file_names(files: &[(String, Bytes)]) -> Result<(), RegistryError> {
    let mut seen = HashSet::new();
    for (name, _) in files {
        if name.is_empty() || name.len() > MAX_FILE_NAME_BYTES || !seen.insert(name) {
            return Err(RegistryError::FileName(name.clone()));
        }
    }
    Ok(())
}
