//! Parameters as written in TOML become a family's checked parameters.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

/// Parameters that a family refuses.
#[derive(Debug, thiserror::Error)]
pub enum ParameterError {
    /// An unknown key or a value of another type.
    #[error("failed to read the parameters of `{family}`")]
    Read {
        /// The family.
        family: &'static str,
        /// Which key, and why.
        #[source]
        source: toml::de::Error,
    },
    /// A value outside its range.
    #[error("`{family}`: `{name}` must be {rule}")]
    Range {
        /// The family.
        family: &'static str,
        /// The parameter.
        name: &'static str,
        /// What would be right.
        rule: &'static str,
    },
}

/// Ranges of a family's parameters: name, does the value lie in its range, and the range in words.
pub(super) trait Parameters: DeserializeOwned + Serialize {
    fn ranges(&self) -> Vec<(&'static str, bool, &'static str)>;
}

pub(super) fn read<P: Parameters>(family: &'static str, table: &toml::Table) -> Result<P, ParameterError> {
    let parameters: P = table.clone().try_into().map_err(|source| ParameterError::Read { family, source })?;
    match parameters.ranges().into_iter().find(|(_, is_inside, _)| !is_inside) {
        Some((name, _, rule)) => Err(ParameterError::Range { family, name, rule }),
        None => Ok(parameters),
    }
}

/// Every parameter by name. A structure of plain fields always becomes an object, so nothing is lost here.
pub(super) fn to_map<P: Parameters>(parameters: &P) -> BTreeMap<String, serde_json::Value> {
    match serde_json::to_value(parameters) {
        Ok(serde_json::Value::Object(map)) => map.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}
