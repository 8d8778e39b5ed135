//! What a domain is: a folder of TOML and SQL, checked into types that cannot be wrong.
//!
//! A [`Domain`] is read once, from the folders embedded in the binary or from `--domains DIR`. Every name is parsed at this
//! border and trusted afterwards; unknown keys, unknown column types and dangling references are refused here with the file
//! they stand in.

mod access;
mod contract;
mod csv_records;
mod database;
mod domain;
mod error;
mod feature;
mod field;
mod folder;
mod names;
mod role;
mod row;
mod row_filter;
mod signals;
mod span;
mod stage;
mod training;

pub use access::{AccessSpec, Mask, TableAccess};
pub use contract::{ColumnContract, ColumnType, FileFormat, JsonPart, Pii, SourceContract, SourceMode};
pub use csv_records::{CsvFault, CsvRecords};
pub use database::DatabaseSpec;
pub use domain::{CareSpec, Domain, MissedRuns, ScheduleSpec};
pub use error::SpecError;
pub use feature::{FeatureSpec, InvalidFeature, Transform};
pub use field::{FieldError, parse_boolean, parse_integer, parse_money, parse_month, parse_number, parse_timestamp};
pub use folder::{DomainFolder, builtin_domains, domain_from_dir, find_domain};
pub use names::{ColumnName, DomainName, InvalidName, ModelName, Schema, SourceName, TableName, UserName};
pub use role::{Role, UnknownRole};
pub use row::{RowFault, Value, text_of};
pub use row_filter::{CompareOp, FilterValue, InvalidFilter, RowFilter};
pub use signals::{Aggregate, EntitySpec, SignalSpec, SignalsSpec};
pub use span::Span;
pub use stage::{Check, CheckAction, Lookback, ServeSpec, StageModel, WriteMode};
pub use training::{CalibrationMethod, CalibrationSpec, Candidate, DecisionRule, Exemption, Gate, SplitSpec, TrainingSpec};
