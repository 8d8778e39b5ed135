//! The settings as programs use them.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{AddressRanges, DatabaseUrl, MlflowSettings, NetworkSettings, Secret};

/// The effective settings. What each one means is written in `default.toml`.
///
/// Displayed, they are a `lakehouse.toml` that gives the same settings again, but for secrets, which are masked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// Where the tables are; no trailing slash.
    pub lake: Url,
    /// Where registered models and online features are; no trailing slash.
    pub registry: Url,
    /// The absolute folder of the sources API.
    pub sources: PathBuf,
    /// The metadata database: `sqlite:///…` or `postgres://…`.
    pub database_url: DatabaseUrl,
    /// The PostgreSQL of sources, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_database_url: Option<DatabaseUrl>,
    /// The PostgreSQL that datamarts are published to, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_database_url: Option<DatabaseUrl>,
    /// The schema they go to; empty for the domain's name.
    pub publish_schema: String,
    /// The role that may read them; empty for none.
    pub publish_reader: String,
    /// Memory in MiB a run may use.
    pub memory_limit_mb: u64,
    /// How steps are tried.
    pub runs: RunSettings,
    /// How `s3://` URIs are reached.
    pub s3: S3,
    /// Who is told about runs.
    pub alerts: AlertSettings,
    /// The MLflow server that is told of models.
    pub mlflow: MlflowSettings,
    /// When tables are cared for.
    pub care: CareSettings,
    /// Who may ask, and how much.
    pub accounts: AccountSettings,
    /// The datamart API.
    pub api: Api,
    /// The sources API.
    pub sources_api: SourcesApi,
    /// The scoring API.
    pub api_ml: ApiMl,
    /// How the risks of networks are told.
    pub networks: NetworkSettings,
    /// Metrics and health of a scheduler.
    pub scheduler: Bind,
    /// What a request may cost.
    pub limits: Limits,
    /// What a query of a client may cost.
    pub sql: SqlSettings,
    /// The log.
    pub log: Log,
}

impl Settings {
    /// The file that declares every setting, with its default and its sentence.
    pub const DEFAULTS: &str = include_str!("default.toml");
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// How often a step is tried, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Tries in all.
    pub step_tries: u32,
    /// Seconds until about the second one.
    pub step_pause_seconds: u64,
    /// Seconds of one try.
    pub step_timeout_seconds: u64,
}

/// How `s3://` URIs are reached. What is empty is taken from the usual `AWS_*` variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct S3 {
    /// The address of the store; empty for AWS.
    pub endpoint: String,
    /// The region.
    pub region: String,
    /// May the endpoint be plain http?
    pub allow_http: bool,
    /// Who we are.
    pub access_key_id: Secret,
    /// How we prove it.
    pub secret_access_key: Secret,
}

/// Who is told about runs, and how; an empty address means nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertSettings {
    /// The mail server: `smtps://host:465`, or `smtp://host:587?tls=required`.
    pub smtp_url: String,
    /// Who logs in there.
    pub smtp_user: String,
    /// With what.
    pub smtp_password: Secret,
    /// Whom mails are from.
    pub mail_from: String,
    /// Whom they go to, comma-joined.
    pub mail_to: String,
    /// Are successful runs worth a mail?
    pub mail_on_success: bool,
    /// Where the end of every run is posted to, as JSON.
    pub webhook_url: Secret,
    /// The search engine that gets every event.
    pub elasticsearch_url: Secret,
    /// Its index.
    pub elasticsearch_index: String,
}

/// When tables are cared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CareSettings {
    /// MiB that compaction makes files.
    pub target_file_mb: u64,
    /// Commits from one checkpoint to the next.
    pub checkpoint_commits: u64,
    /// Hours that files are kept which the present version does not need.
    pub retention_hours: u64,
    /// The shortest such time that is accepted as it is.
    pub min_retention_hours: u64,
    /// Hours that commits stay in the logs.
    pub log_retention_hours: u64,
    /// Days that the records of runs stay.
    pub history_days: u64,
    /// Days that the audit trail stays.
    pub audit_days: u64,
}

/// Who may ask, and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountSettings {
    /// Is everybody asked who they are?
    pub required: bool,
    /// The file of the key that signs tokens.
    pub signing_key_file: PathBuf,
    /// Requests a second of one user.
    pub requests_per_second: u32,
    /// Requests that may come at once before that.
    pub burst: u32,
    /// Requests of one user that may be under way.
    pub requests_at_once: u32,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: AddressRanges,
}

/// Where a service listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// The address; one that is not loopback needs accounts.
    pub address: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
}

impl Bind {
    /// Address and port, ready to bind.
    pub fn socket(self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// Where the datamart API listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// The address; one that is not loopback needs accounts.
    pub address: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// For clients of PostgreSQL.
    pub postgres: PostgresWire,
}

impl Api {
    /// Address and port, ready to bind.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// Where and how clients of PostgreSQL are answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresWire {
    /// Are they?
    pub enabled: bool,
    /// The address; one that is not loopback needs accounts and a certificate.
    pub address: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// The absolute path of the certificate for TLS; empty for none.
    pub certificate: PathBuf,
    /// The absolute path of its key.
    pub key: PathBuf,
    /// Connections that may be open.
    pub connections: usize,
}

impl PostgresWire {
    /// Address and port, ready to bind.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Is there a certificate?
    pub fn has_tls(&self) -> bool {
        !self.certificate.as_os_str().is_empty()
    }
}

/// Where the sources API listens and how long it waits for its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcesApi {
    /// The address; one that is not loopback needs accounts.
    pub address: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// How often it looks for its folder.
    pub folder_tries: u32,
    /// Milliseconds between two looks.
    pub folder_pause_ms: u64,
}

impl SourcesApi {
    /// Address and port, ready to bind.
    pub fn socket(self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// Where the scoring API listens, and how it scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiMl {
    /// A loopback address.
    pub address: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// The absolute folder of its journal.
    pub journal: PathBuf,
    /// What becomes of predictions.
    pub predictions: PredictionLog,
    /// Share of the predictions that are kept with their inputs.
    pub inputs_percent: u8,
    /// Seconds from one delivery of predictions to the next.
    pub delivery_seconds: u64,
    /// Share of the cards that the challenger answers for.
    pub canary_percent: u8,
    /// Requests that may be under way.
    pub requests_at_once: usize,
}

/// What becomes of predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PredictionLog {
    /// On disk before the answer.
    Durable,
    /// Written soon after.
    Fast,
    /// Not kept.
    Off,
}

impl ApiMl {
    /// Address and port, ready to bind.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// What a request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of a body that is not an upload.
    pub request_body_bytes: usize,
    /// Seconds until a timeout is answered.
    pub request_timeout_seconds: u64,
    /// Seconds to finish after a stop signal.
    pub drain_timeout_seconds: u64,
    /// Rows of one answer.
    pub max_rows: usize,
    /// MiB of the rows of one datamart that are held for lookups.
    pub mart_mb: usize,
    /// Seconds of one SQL query.
    pub sql_timeout_seconds: u64,
    /// Bytes of an uploaded file.
    pub upload_bytes: u64,
}

impl Limits {
    /// How long a request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    /// How long requests under way may take after a stop signal.
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_timeout_seconds)
    }

    /// How long a SQL query may take.
    pub fn sql_timeout(&self) -> Duration {
        Duration::from_secs(self.sql_timeout_seconds)
    }
}

/// What a query of a client may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlSettings {
    /// Queries that run at the same time.
    pub queries_at_once: usize,
    /// Queries that may wait for their turn.
    pub queries_waiting: usize,
    /// Seconds until a query that waits is refused.
    pub wait_seconds: u64,
    /// Memory in MiB of one query.
    pub query_memory_mb: usize,
    /// Rows of a streamed answer.
    pub stream_rows: usize,
    /// MiB of a JSON answer.
    pub answer_mb: usize,
    /// MiB of all answers that are kept.
    pub cache_mb: usize,
    /// MiB of results on disk.
    pub results_mb: usize,
    /// Seconds that a result is kept.
    pub results_seconds: u64,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// A level, or a comma-joined list of `target=level`.
    pub level: String,
    /// For people or for collectors.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
