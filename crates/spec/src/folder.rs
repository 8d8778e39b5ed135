//! Reading domain folders: the embedded ones and those under `--domains DIR`.

use std::{collections::BTreeMap, path::Path};

use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;

use crate::{Domain, DomainName, ModelName, Schema, SourceName, SpecError, TableName, domain::DomainFile};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../domains");

/// The files of one domain folder: path inside the folder → text.
#[derive(Debug, Clone, Default)]
pub struct DomainFolder {
    files: BTreeMap<String, String>,
}

/// The names of the domains that are part of the program.
pub fn builtin_domains() -> Vec<DomainName> {
    let names = EMBEDDED.dirs().filter_map(|dir| dir.path().to_str()?.parse().ok());
    names.collect()
}

/// The domain `name`: from `overrides` when it has such a folder, else the embedded one.
pub fn find_domain(name: &str, overrides: Option<&Path>) -> Result<Domain, SpecError> {
    if let Some(root) = overrides
        && root.join(name).is_dir()
    {
        return domain_from_dir(&root.join(name));
    }
    let unknown = || SpecError::UnknownDomain {
        name: name.to_owned(),
        known: builtin_domains().iter().map(DomainName::as_str).collect::<Vec<_>>().join(", "),
    };
    let domain_name: DomainName = name.parse().map_err(|_| unknown())?;
    let dir = EMBEDDED.get_dir(name).ok_or_else(unknown)?;
    let mut folder = DomainFolder::default();
    folder.add_embedded(dir, name);
    folder.into_domain(domain_name)
}

/// The domain in a folder on disk; the folder's name is the domain's.
pub fn domain_from_dir(dir: &Path) -> Result<Domain, SpecError> {
    let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.parse().map_err(|source| SpecError::Name { path: dir.display().to_string(), source })?;
    let mut folder = DomainFolder::default();
    folder.add_dir(dir, "")?;
    folder.into_domain(name)
}

impl DomainFolder {
    fn add_embedded(&mut self, dir: &Dir<'static>, root: &str) {
        for file in dir.files() {
            if let (Some(path), Some(text)) = (file.path().strip_prefix(root).ok().and_then(Path::to_str), file.contents_utf8()) {
                self.files.insert(path.to_owned(), text.to_owned());
            }
        }
        for child in dir.dirs() {
            self.add_embedded(child, root);
        }
    }

    fn add_dir(&mut self, dir: &Path, prefix: &str) -> Result<(), SpecError> {
        let failed = |source| SpecError::Read { path: dir.display().to_string(), source };
        for entry in std::fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if path.is_dir() {
                self.add_dir(&path, &format!("{prefix}{name}/"))?;
            } else if matches!(path.extension().and_then(|e| e.to_str()), Some("toml" | "sql")) {
                let text = std::fs::read_to_string(&path)
                    .map_err(|source| SpecError::Read { path: path.display().to_string(), source })?;
                self.files.insert(format!("{prefix}{name}"), text);
            }
        }
        Ok(())
    }

    /// Checks every file and the references between them.
    pub fn into_domain(self, name: DomainName) -> Result<Domain, SpecError> {
        let file: DomainFile = self.toml("domain.toml")?;
        file.access.check("domain.toml")?;
        let mut domain = Domain {
            name,
            description: file.description,
            owner: file.owner,
            schedule: file.schedule,
            care: file.care,
            access: file.access.into(),
            sources: BTreeMap::new(),
            preprocessing: BTreeMap::new(),
            signals: BTreeMap::new(),
            signal_selects: BTreeMap::new(),
            datamarts: BTreeMap::new(),
            training: BTreeMap::new(),
        };
        for (path, stem) in self.tomls("ingestion") {
            let source: SourceName = stem.parse().map_err(|source| SpecError::Name { path: path.clone(), source })?;
            let mut contract: crate::SourceContract = self.toml(&path)?;
            contract.name = Some(source.clone());
            contract.check(&path)?;
            domain.sources.insert(source, contract);
        }
        for (path, stem) in self.tomls("preprocessing") {
            domain.preprocessing.insert(table(&path, Schema::Silver, &stem)?, self.stage_model(&path)?);
        }
        for (path, stem) in self.tomls("signals") {
            // What declares entities is for the kernel, everything else a select.
            if !self.toml::<toml::Table>(&path)?.contains_key("entity") {
                domain.signal_selects.insert(table(&path, Schema::Signals, &stem)?, self.stage_model(&path)?);
                continue;
            }
            let spec: crate::SignalsSpec = self.toml(&path)?;
            spec.check(&path)?;
            domain.signals.insert(table(&path, Schema::Signals, &stem)?, (spec, self.sql(&path)?));
        }
        for (path, stem) in self.tomls("datamarts") {
            domain.datamarts.insert(table(&path, Schema::Gold, &stem)?, self.stage_model(&path)?);
        }
        for (path, stem) in self.tomls("training") {
            let model: ModelName = stem.parse().map_err(|source| SpecError::Name { path: path.clone(), source })?;
            let spec: crate::TrainingSpec = self.toml(&path)?;
            spec.check(&path)?;
            domain.training.insert(model, (spec, self.sql(&path)?));
        }
        Ok(domain)
    }

    fn stage_model(&self, path: &str) -> Result<(crate::StageModel, String), SpecError> {
        let model: crate::StageModel = self.toml(path)?;
        model.check(path)?;
        Ok((model, self.sql(path)?))
    }

    /// The TOML files directly inside `stage`, with their stems.
    fn tomls(&self, stage: &str) -> Vec<(String, String)> {
        let inside = self.files.keys().filter_map(|path| {
            let stem = path.strip_prefix(stage)?.strip_prefix('/')?.strip_suffix(".toml")?;
            (!stem.contains('/')).then(|| (path.clone(), stem.to_owned()))
        });
        inside.collect()
    }

    fn toml<T: DeserializeOwned>(&self, path: &str) -> Result<T, SpecError> {
        let text = self.files.get(path).ok_or_else(|| SpecError::rule(path, "the file is missing"))?;
        toml::from_str(text).map_err(|source| SpecError::Toml { path: path.to_owned(), source })
    }

    /// The SQL beside a TOML file.
    fn sql(&self, toml_path: &str) -> Result<String, SpecError> {
        let path = format!("{}.sql", toml_path.trim_end_matches(".toml"));
        self.files
            .get(&path)
            .cloned()
            .ok_or_else(|| SpecError::rule(&path, "the file is missing: every model has a select beside its TOML"))
    }
}

fn table(path: &str, schema: Schema, stem: &str) -> Result<TableName, SpecError> {
    TableName::new(schema, stem).map_err(|source| SpecError::Name { path: path.to_owned(), source })
}
