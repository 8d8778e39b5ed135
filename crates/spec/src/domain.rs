//! A whole domain, checked.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use crate::{AccessSpec, DomainName, ModelName, SignalsSpec, SourceContract, SourceName, StageModel, TableName, TrainingSpec};

/// A domain: everything its folder says.
#[derive(Debug, Clone)]
pub struct Domain {
    /// The folder's name.
    pub name: DomainName,
    /// What the domain is about, in one sentence.
    pub description: String,
    /// Who answers for it.
    pub owner: String,
    /// When runs start by themselves, if they do.
    pub schedule: Option<ScheduleSpec>,
    /// When its tables are cared for between runs, if they are.
    pub care: Option<CareSpec>,
    /// Who sees what of it.
    pub access: Arc<AccessSpec>,
    /// Sources by name.
    pub sources: BTreeMap<SourceName, SourceContract>,
    /// Tables of the preprocessing stage, each with its SQL.
    pub preprocessing: BTreeMap<TableName, (StageModel, String)>,
    /// Tables of the signals stage, each with the SQL that selects its events.
    pub signals: BTreeMap<TableName, (SignalsSpec, String)>,
    /// Tables of the signals stage that are selects like those of the other stages, made after the kernel's.
    pub signal_selects: BTreeMap<TableName, (StageModel, String)>,
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
    pub schedule: Option<ScheduleSpec>,
    pub care: Option<CareSpec>,
    #[serde(default)]
    pub access: AccessSpec,
}

/// When runs start by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Minute, hour, day of the month, month, day of the week; a sixth field in front counts seconds.
    pub cron: String,
    /// The time zone those are in, as the IANA database names it.
    #[serde(default = "utc")]
    pub zone: String,
    /// What becomes of a run whose time passed while nobody kept the schedule.
    #[serde(default)]
    pub missed: MissedRuns,
}

/// When tables are cared for between runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CareSpec {
    /// As in [`ScheduleSpec`].
    pub cron: String,
    /// The time zone of it.
    #[serde(default = "utc")]
    pub zone: String,
}

/// What becomes of runs whose time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedRuns {
    /// One run makes up for all of them, at once.
    #[default]
    RunOnce,
    /// The next one is waited for.
    Skip,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Domain {
    /// Stage models of preprocessing, signals and datamarts, with their SQL.
    pub fn stage_models(&self) -> impl Iterator<Item = (&TableName, &StageModel, &str)> {
        self.preprocessing
            .iter()
            .chain(&self.signal_selects)
            .chain(&self.datamarts)
            .map(|(name, (model, sql))| (name, model, sql.as_str()))
    }
}
