//! A stage model: one `select` in `name.sql` and what is promised about its result in `name.toml`.

use serde::{Deserialize, Serialize};

use crate::{ColumnName, SpecError, TableName, span::Span};

/// A table made by one `select`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageModel {
    /// What a row is, in one sentence.
    pub description: String,
    /// How the result reaches the table.
    #[serde(default)]
    pub write: WriteMode,
    /// Columns that together name a row.
    pub key: Vec<ColumnName>,
    /// Meaning of each column, in the order of the `select`.
    #[serde(default)]
    pub columns: toml::map::Map<String, toml::Value>,
    /// What must hold for every row.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
    /// The REST route over the table, if it has one.
    pub serve: Option<ServeSpec>,
    /// Its rows are handed to the scoring service, all of them, as one JSON object a line: for what is small and current.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub online: bool,
}

/// How a result reaches its table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase", deny_unknown_fields)]
pub enum WriteMode {
    /// The result replaces the table.
    #[default]
    Overwrite,
    /// Rows that came from new rows of `from` are added; when any other input has changed, the table is rebuilt.
    Append {
        /// The input whose new rows are the only ones read.
        from: TableName,
        /// For selects with windows over time: earlier rows of `from`, this far back, are read too. The result's rows keep the
        /// time of the row they come from; when a new row of `from` is not later than all old ones, the table is rebuilt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lookback: Option<Lookback>,
    },
}

/// How far back a row's windows reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookback {
    /// The timestamp column, of the input and of the result.
    pub time: ColumnName,
    /// The longest window.
    pub span: Span,
}

impl WriteMode {
    /// How far back the windows of appended rows reach.
    pub fn lookback(&self) -> Option<&Lookback> {
        match self {
            Self::Append { lookback, .. } => lookback.as_ref(),
            Self::Overwrite => None,
        }
    }
}

/// A named rule every row must meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Unique within the table.
    pub name: ColumnName,
    /// A boolean SQL expression over the row; a row breaks the check when it is not true.
    pub expect: String,
    /// What happens to a row that breaks it.
    pub action: CheckAction,
}

/// What happens to a row that breaks a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckAction {
    /// It is counted and stays.
    Warn,
    /// It is counted and goes to the quarantine table.
    Quarantine,
    /// The step fails and the table stays as it was.
    Stop,
}

/// A REST list route over a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServeSpec {
    /// The route: `client_features` is served as `/client_features/`.
    pub route: ColumnName,
    /// The column a single row is looked up by; lists are ordered by it.
    pub key: ColumnName,
    /// Rows in a list when the caller names no limit.
    pub default_limit: usize,
    /// Integer keys only: the smallest and largest that can exist.
    pub key_range: Option<[i64; 2]>,
}

impl StageModel {
    pub(crate) fn check(&self, path: &str) -> Result<(), SpecError> {
        for (position, check) in self.checks.iter().enumerate() {
            if self.checks[..position].iter().any(|earlier| earlier.name == check.name) {
                return Err(SpecError::rule(path, format!("the check `{}` is declared twice", check.name)));
            }
        }
        if self.key.is_empty() {
            return Err(SpecError::rule(path, "a table needs a `key`"));
        }
        match &self.serve {
            Some(serve) if serve.default_limit == 0 => Err(SpecError::rule(path, "`default_limit` must be at least 1")),
            _ => Ok(()),
        }
    }

    /// The meaning of a column, where the file gives one.
    pub fn about(&self, column: &str) -> Option<&str> {
        self.columns.get(column).and_then(toml::Value::as_str)
    }
}
