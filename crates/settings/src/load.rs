//! Layers of settings, merged and checked.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Bind, DatabaseUrl, Limits, Log, LogFormat, S3, Secret, Settings, SettingsError, SourcesApi, location, telemetry};

const FILE: &str = "lakehouse.toml";
const PREFIX: &str = "LAKEHOUSE_";

/// What the command line overrides; what is `None` stays as it is.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(missing_docs, reason = "the same keys as in default.toml, which has a sentence for each")]
pub struct Overrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lake: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit_mb: Option<u64>,
    pub api: BindOverrides,
    pub sources_api: BindOverrides,
    pub api_ml: BindOverrides,
    pub log: LogOverrides,
}

/// Where one service listens, as the command line says it.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(missing_docs, reason = "the same keys as in default.toml, which has a sentence for each")]
pub struct BindOverrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// What is logged, as the command line says it.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(missing_docs, reason = "the same keys as in default.toml, which has a sentence for each")]
pub struct LogOverrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,
}

impl Provider for Overrides {
    fn metadata(&self) -> Metadata {
        Metadata::named("the command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Serialized::defaults(self).data()
    }
}

/// The settings as a layer writes them, before paths are made absolute.
#[derive(Deserialize)]
struct Written {
    lake: String,
    registry: String,
    sources: String,
    database_url: String,
    database_url_file: String,
    memory_limit_mb: u64,
    s3: WrittenS3,
    api: Bind,
    sources_api: SourcesApi,
    api_ml: Bind,
    limits: Limits,
    log: Log,
}

/// [`S3`] before its files are read.
#[derive(Deserialize)]
struct WrittenS3 {
    endpoint: String,
    region: String,
    allow_http: bool,
    access_key_id: Secret,
    access_key_id_file: String,
    secret_access_key: Secret,
    secret_access_key_file: String,
}

impl Settings {
    /// The defaults, overridden by the file at `path` (or, without one, by a `lakehouse.toml` in the working directory if it
    /// is there), by `LAKEHOUSE_*` variables and by `overrides`, in this order.
    pub fn load(path: Option<&Path>, overrides: Overrides) -> Result<Self, SettingsError> {
        let base = std::env::current_dir().map_err(SettingsError::WorkingDirectory)?;
        let file = match path {
            Some(path) if path.is_file() => Some(path.to_owned()),
            Some(path) => return Err(SettingsError::Missing(path.to_owned())),
            None => Some(base.join(FILE)).filter(|file| file.is_file()),
        };
        let written = merge(file, overrides)?;
        written.check(&base)
    }
}

/// Refuses keys that the defaults do not have, then lets later layers win.
fn merge(file: Option<PathBuf>, overrides: Overrides) -> Result<Written, SettingsError> {
    let defaults = Toml::string(Settings::DEFAULTS);
    let known = top_level(&defaults)?;
    let mut layers = Figment::from(defaults);

    if let Some(file) = file {
        let layer = Toml::file_exact(&file);
        let written = top_level(&layer)?;
        refuse_unknown(&written, &known, "", &|_| format!("`{}`", file.display()))?;
        refuse_secrets(&written)?;
        layers = layers.merge(layer);
    }
    let environment = Env::prefixed(PREFIX).split("__");
    let variable = |key: &str| format!("the environment variable {PREFIX}{}", key.replace('.', "__").to_uppercase());
    refuse_unknown(&top_level(&environment)?, &known, "", &variable)?;

    layers.merge(environment).merge(overrides).extract().map_err(SettingsError::value)
}

fn top_level(layer: &impl Provider) -> Result<Dict, SettingsError> {
    Ok(layer.data().map_err(SettingsError::value)?.remove(&Profile::Default).unwrap_or_default())
}

/// `place` tells where a key of this layer is set.
fn refuse_unknown(layer: &Dict, known: &Dict, section: &str, place: &dyn Fn(&str) -> String) -> Result<(), SettingsError> {
    for (key, value) in layer {
        let path = format!("{section}{key}");
        match (value, known.get(key)) {
            (_, None) => {
                let known = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                return Err(SettingsError::UnknownKey { place: place(&path), key: path, known });
            }
            (Value::Dict(_, inner), Some(Value::Dict(_, known))) => refuse_unknown(inner, known, &format!("{path}."), place)?,
            _ => {}
        }
    }
    Ok(())
}

/// Settings files are copied, shown and committed; what must not be read there names a file of its own instead.
fn refuse_secrets(layer: &Dict) -> Result<(), SettingsError> {
    const REASON: &str = "a settings file is no place for it: name a file in the key that ends in _file";
    let database = layer.get("database_url").and_then(Value::as_str).map(|url| DatabaseUrl::new(url.to_owned()));
    if let Some(url) = database.filter(DatabaseUrl::has_password) {
        return Err(SettingsError::rule("database_url", url, REASON));
    }
    let Some(Value::Dict(_, s3)) = layer.get("s3") else { return Ok(()) };
    for (name, key) in [("access_key_id", "s3.access_key_id"), ("secret_access_key", "s3.secret_access_key")] {
        if s3.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty()) {
            return Err(SettingsError::rule(key, "***", REASON));
        }
    }
    Ok(())
}

/// The URL as given, or as its file says, or that of a SQLite file: in the lake if it is on disk, else in the working directory.
fn database_url(base: &Path, given: &str, file: &str, lake: &Url) -> Result<DatabaseUrl, SettingsError> {
    let given = Secret::read(given.to_owned().into(), base, file)?;
    if !given.is_empty() {
        return Ok(DatabaseUrl::new(given.expose().to_owned()));
    }
    let folder = lake.to_file_path().unwrap_or_else(|()| base.to_owned());
    let file = Url::from_file_path(folder.join("metadata.db"));
    let file = file.map_err(|()| SettingsError::rule("database_url", "", "the lake's folder cannot be written as a URI"))?;
    Ok(DatabaseUrl::new(format!("sqlite://{}", file.path())))
}

impl WrittenS3 {
    fn check(self, base: &Path) -> Result<S3, SettingsError> {
        if self.endpoint.starts_with("http://") && !self.allow_http {
            return Err(SettingsError::rule(
                "s3.endpoint",
                &self.endpoint,
                "plain http shows every row to the network; set s3.allow_http to allow it",
            ));
        }
        Ok(S3 {
            endpoint: self.endpoint,
            region: self.region,
            allow_http: self.allow_http,
            access_key_id: Secret::read(self.access_key_id, base, &self.access_key_id_file)?,
            secret_access_key: Secret::read(self.secret_access_key, base, &self.secret_access_key_file)?,
        })
    }
}

impl Written {
    fn check(self, base: &Path) -> Result<Settings, SettingsError> {
        let lake = location::uri(base, &self.lake).map_err(|reason| SettingsError::rule("lake", &self.lake, reason))?;
        let registry = if self.registry.is_empty() {
            let mut registry = lake.clone();
            registry.set_path(&format!("{}/registry", lake.path()));
            registry
        } else {
            location::uri(base, &self.registry).map_err(|reason| SettingsError::rule("registry", &self.registry, reason))?
        };
        if self.sources.is_empty() {
            return Err(SettingsError::rule("sources", "", "name a folder"));
        }
        self.check_services()?;
        self.check_limits()?;
        if !telemetry::is_filter(&self.log.level) {
            let reason = "write error, warn, info, debug or trace, or a list such as info,lakehouse_api=debug";
            return Err(SettingsError::rule("log.level", &self.log.level, reason));
        }
        Ok(Settings {
            database_url: database_url(base, &self.database_url, &self.database_url_file, &lake)?,
            lake,
            registry,
            sources: location::absolute(base, &self.sources),
            memory_limit_mb: self.memory_limit_mb,
            s3: self.s3.check(base)?,
            api: self.api,
            sources_api: self.sources_api,
            api_ml: self.api_ml,
            limits: self.limits,
            log: self.log,
        })
    }

    fn check_services(&self) -> Result<(), SettingsError> {
        let addresses = [
            ("api.address", self.api.address),
            ("sources_api.address", self.sources_api.address),
            ("api_ml.address", self.api_ml.address),
        ];
        for (key, address) in addresses {
            if !address.is_loopback() {
                let reason = "nothing asks who is calling yet, so only a loopback address such as 127.0.0.1 is allowed";
                return Err(SettingsError::rule(key, address, reason));
            }
        }
        if self.sources_api.folder_tries == 0 {
            return Err(SettingsError::rule("sources_api.folder_tries", 0, "it has to look at least once"));
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), SettingsError> {
        let limits = &self.limits;
        let zeroes = [
            ("memory_limit_mb", self.memory_limit_mb == 0),
            ("limits.request_body_bytes", limits.request_body_bytes == 0),
            ("limits.request_timeout_seconds", limits.request_timeout_seconds == 0),
            ("limits.max_rows", limits.max_rows == 0),
            ("limits.sql_timeout_seconds", limits.sql_timeout_seconds == 0),
            ("limits.upload_bytes", limits.upload_bytes == 0),
        ];
        match zeroes.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((key, _)) => Err(SettingsError::rule(key, 0, "nothing would ever be allowed; write a positive number")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
