//! Layers of settings, merged and checked.

mod written;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};
use serde::Serialize;

use crate::{LogFormat, Settings, SettingsError};

use written::{Written, refuse_secrets};

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

#[cfg(test)]
mod tests;
