//! A whole domain, checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{DomainName, ModelName, SignalsSpec, SourceContract, SourceName, StageModel, TableName, TrainingSpec};

/// A domain: everything its folder says.
#[derive(Debug, Clone)]
pub struct Domain {
    /// The folder's name.
    pub name: DomainName,
    /// What the domain is about, in one sentence.
    pub description: String,
    /// Who answers for it.
    pub owner: String,
    /// Sources by name.
    pub sources: BTreeMap<SourceName, SourceContract>,
    /// Tables of the preprocessing stage, each with its SQL.
    pub preprocessing: BTreeMap<TableName, (StageModel, String)>,
    /// Tables of the signals stage, each with the SQL that selects its events.
    pub signals: BTreeMap<TableName, (SignalsSpec, String)>,
    /// Datamarts, each with its SQL.
    pub datamarts: BTreeMap<TableName, (StageModel, String)>,
    /// Models, each with the SQL that selects its rows.
    pub training: BTreeMap<ModelName, (TrainingSpec, String)>,
}

/// `domain.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainFile {
    pub description: String,
    pub owner: String,
}

impl Domain {
    /// Stage models of preprocessing and datamarts, with their SQL.
    pub fn stage_models(&self) -> impl Iterator<Item = (&TableName, &StageModel, &str)> {
        self.preprocessing.iter().chain(&self.datamarts).map(|(name, (model, sql))| (name, model, sql.as_str()))
    }
}
