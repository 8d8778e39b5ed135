//! The settings as layers write them, and what they have to fulfil.

use std::path::{Path, PathBuf};

use figment::value::{Dict, Value};
use serde::Deserialize;
use url::Url;

use crate::{
    AccountSettings, AlertSettings, Api, ApiMl, Bind, CareSettings, DatabaseUrl, Limits, Log, PostgresWire, RunSettings, S3,
    Secret, Settings, SettingsError, SourcesApi, SqlSettings, location, mlflow::WrittenMlflow, networks::WrittenNetworks,
    telemetry,
};

/// The settings as a layer writes them, before paths are made absolute.
#[derive(Deserialize)]
pub(super) struct Written {
    lake: String,
    registry: String,
    sources: String,
    database_url: String,
    database_url_file: String,
    source_database_url: String,
    source_database_url_file: String,
    publish_database_url: String,
    publish_database_url_file: String,
    publish_schema: String,
    publish_reader: String,
    memory_limit_mb: u64,
    runs: RunSettings,
    s3: WrittenS3,
    alerts: WrittenAlerts,
    mlflow: WrittenMlflow,
    care: CareSettings,
    accounts: WrittenAccounts,
    api: Api,
    sources_api: SourcesApi,
    api_ml: ApiMl,
    networks: WrittenNetworks,
    scheduler: Bind,
    limits: Limits,
    sql: SqlSettings,
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

/// [`AlertSettings`] before its files are read.
#[derive(Deserialize)]
struct WrittenAlerts {
    smtp_url: String,
    smtp_user: String,
    smtp_password: Secret,
    smtp_password_file: String,
    mail_from: String,
    mail_to: String,
    mail_on_success: bool,
    webhook_url: Secret,
    webhook_url_file: String,
    elasticsearch_url: Secret,
    elasticsearch_url_file: String,
    elasticsearch_index: String,
}

/// [`AccountSettings`] before its path is made absolute.
#[derive(Deserialize)]
struct WrittenAccounts {
    required: bool,
    signing_key_file: String,
    requests_per_second: u32,
    burst: u32,
    requests_at_once: u32,
    trusted_proxies: String,
}

/// Section, key, and both: what only the environment or a file of its own may hold.
const SECRETS: [(&str, &str, &str); 7] = [
    ("s3", "access_key_id", "s3.access_key_id"),
    ("s3", "secret_access_key", "s3.secret_access_key"),
    ("alerts", "smtp_password", "alerts.smtp_password"),
    ("alerts", "webhook_url", "alerts.webhook_url"),
    ("alerts", "elasticsearch_url", "alerts.elasticsearch_url"),
    ("mlflow", "password", "mlflow.password"),
    ("mlflow", "token", "mlflow.token"),
];

/// Addresses of databases: with a password they are secrets too.
const DATABASES: [&str; 3] = ["database_url", "source_database_url", "publish_database_url"];

/// Settings files are copied, shown and committed; what must not be read there names a file of its own instead.
pub(super) fn refuse_secrets(layer: &Dict) -> Result<(), SettingsError> {
    const REASON: &str = "a settings file is no place for it: name a file in the key that ends in _file";
    for key in DATABASES {
        let database = layer.get(key).and_then(Value::as_str).map(|url| DatabaseUrl::new(url.to_owned()));
        if let Some(url) = database.filter(DatabaseUrl::has_password) {
            return Err(SettingsError::rule(key, url, REASON));
        }
    }
    for (section, name, key) in SECRETS {
        let Some(Value::Dict(_, section)) = layer.get(section) else { continue };
        if section.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty()) {
            return Err(SettingsError::rule(key, "***", REASON));
        }
    }
    Ok(())
}

/// The URL as given, or as its file says.
fn given_url(base: &Path, given: &str, file: &str) -> Result<Option<DatabaseUrl>, SettingsError> {
    let given = Secret::read(given.to_owned().into(), base, file)?;
    Ok((!given.is_empty()).then(|| DatabaseUrl::new(given.expose().to_owned())))
}

/// Where a program keeps files of its own: in the lake if it is on disk, else in the working directory.
fn own_folder(base: &Path, lake: &Url) -> PathBuf {
    lake.to_file_path().unwrap_or_else(|()| base.to_owned())
}

/// The URL as given, or as its file says, or that of a SQLite file of its own.
fn database_url(base: &Path, given: &str, file: &str, lake: &Url) -> Result<DatabaseUrl, SettingsError> {
    if let Some(given) = given_url(base, given, file)? {
        return Ok(given);
    }
    let file = Url::from_file_path(own_folder(base, lake).join("metadata.db"));
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

impl ApiMl {
    /// Without a folder, the journal is beside the models if those are on disk.
    fn check(self, base: &Path, registry: &Url) -> Result<Self, SettingsError> {
        for (key, percent) in [("api_ml.inputs_percent", self.inputs_percent), ("api_ml.canary_percent", self.canary_percent)] {
            if percent > 100 {
                return Err(SettingsError::rule(key, percent, "a share is 0 to 100 percent"));
            }
        }
        let beside = || registry.to_file_path().unwrap_or_else(|()| base.to_owned()).join("journal");
        let given = self.journal.to_str().filter(|folder| !folder.is_empty());
        Ok(Self { journal: given.map_or_else(beside, |folder| location::absolute(base, folder)), ..self })
    }
}

impl PostgresWire {
    /// Paths are made absolute; a certificate needs a key, and a key a certificate.
    fn check(self, base: &Path) -> Result<Self, SettingsError> {
        if self.certificate.as_os_str().is_empty() != self.key.as_os_str().is_empty() {
            let reason = "a certificate and its key belong together: name both files or none";
            return Err(SettingsError::rule("api.postgres.certificate", self.certificate.display(), reason));
        }
        if self.enabled && !self.address.is_loopback() && !self.has_tls() {
            let reason = "passwords and rows would cross the network readable by anybody: name a certificate and its key in \
                          api.postgres, or use a loopback address such as 127.0.0.1";
            return Err(SettingsError::rule("api.postgres.address", self.address, reason));
        }
        let absolute = |path: PathBuf| match path.to_str() {
            Some(text) if !text.is_empty() => location::absolute(base, text),
            _ => path,
        };
        Ok(Self { certificate: absolute(self.certificate), key: absolute(self.key), ..self })
    }
}

impl WrittenAlerts {
    fn check(self, base: &Path) -> Result<AlertSettings, SettingsError> {
        if !self.smtp_url.is_empty() && self.mail_to.is_empty() {
            return Err(SettingsError::rule("alerts.mail_to", "", "name whom mails go to, or leave alerts.smtp_url empty"));
        }
        Ok(AlertSettings {
            smtp_url: self.smtp_url,
            smtp_user: self.smtp_user,
            smtp_password: Secret::read(self.smtp_password, base, &self.smtp_password_file)?,
            mail_from: self.mail_from,
            mail_to: self.mail_to,
            mail_on_success: self.mail_on_success,
            webhook_url: Secret::read(self.webhook_url, base, &self.webhook_url_file)?,
            elasticsearch_url: Secret::read(self.elasticsearch_url, base, &self.elasticsearch_url_file)?,
            elasticsearch_index: self.elasticsearch_index,
        })
    }
}

impl WrittenAccounts {
    fn check(self, base: &Path, lake: &Url) -> Result<AccountSettings, SettingsError> {
        let signing_key_file = match self.signing_key_file.as_str() {
            "" => own_folder(base, lake).join("signing.key"),
            given => location::absolute(base, given),
        };
        let proxies = self.trusted_proxies.as_str();
        let no_ranges =
            |_| SettingsError::rule("accounts.trusted_proxies", proxies, "name addresses or networks, as in 10.0.0.0/8");
        Ok(AccountSettings {
            trusted_proxies: proxies.parse().map_err(no_ranges)?,
            required: self.required,
            signing_key_file,
            requests_per_second: self.requests_per_second,
            burst: self.burst,
            requests_at_once: self.requests_at_once,
        })
    }
}

impl Written {
    pub(super) fn check(self, base: &Path) -> Result<Settings, SettingsError> {
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
        self.check_names()?;
        self.check_services()?;
        self.check_care()?;
        self.check_limits()?;
        let api_ml = self.api_ml.clone().check(base, &registry)?;
        if !telemetry::is_filter(&self.log.level) {
            let reason = "write error, warn, info, debug or trace, or a list such as info,lakehouse_api=debug";
            return Err(SettingsError::rule("log.level", &self.log.level, reason));
        }
        Ok(Settings {
            database_url: database_url(base, &self.database_url, &self.database_url_file, &lake)?,
            source_database_url: given_url(base, &self.source_database_url, &self.source_database_url_file)?,
            publish_database_url: given_url(base, &self.publish_database_url, &self.publish_database_url_file)?,
            publish_schema: self.publish_schema,
            publish_reader: self.publish_reader,
            accounts: self.accounts.check(base, &lake)?,
            lake,
            registry,
            networks: self.networks.check(base, &self.sources)?,
            sources: location::absolute(base, &self.sources),
            memory_limit_mb: self.memory_limit_mb,
            runs: self.runs,
            s3: self.s3.check(base)?,
            alerts: self.alerts.check(base)?,
            mlflow: self.mlflow.check(base)?,
            care: self.care,
            api: Api { postgres: self.api.postgres.check(base)?, ..self.api },
            sources_api: self.sources_api,
            api_ml,
            scheduler: self.scheduler,
            limits: self.limits,
            sql: self.sql,
            log: self.log,
        })
    }

    /// Names that become part of SQL.
    fn check_names(&self) -> Result<(), SettingsError> {
        const REASON: &str = "use lower-case letters, digits and `_`, start with a letter, at most 63 characters, and no name that PostgreSQL keeps";
        let is_name = |text: &str| {
            text.len() <= 63
                && text.starts_with(|c: char| c.is_ascii_lowercase())
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        for (key, name) in [("publish_schema", &self.publish_schema), ("publish_reader", &self.publish_reader)] {
            // `public` as a role is everybody.
            let is_reserved = name.starts_with("pg_") || (key == "publish_reader" && name == "public");
            if !name.is_empty() && (!is_name(name) || is_reserved) {
                return Err(SettingsError::rule(key, name, REASON));
            }
        }
        Ok(())
    }

    fn check_services(&self) -> Result<(), SettingsError> {
        let addresses = [
            ("api.address", self.api.address),
            ("api.postgres.address", self.api.postgres.address),
            ("sources_api.address", self.sources_api.address),
            ("api_ml.address", self.api_ml.address),
            ("scheduler.address", self.scheduler.address),
        ];
        for (key, address) in addresses {
            if !address.is_loopback() && !self.accounts.required {
                let reason = "everybody who reaches it could do everything there: set accounts.required to true and make an admin \
                              with `lakehouse users add NAME --role admin`, or use a loopback address such as 127.0.0.1";
                return Err(SettingsError::rule(key, address, reason));
            }
        }
        if self.sources_api.folder_tries == 0 {
            return Err(SettingsError::rule("sources_api.folder_tries", 0, "it has to look at least once"));
        }
        Ok(())
    }

    /// A version whose commits are gone could not be read, however long its files are kept.
    fn check_care(&self) -> Result<(), SettingsError> {
        let care = &self.care;
        if care.retention_hours < care.min_retention_hours {
            let reason = "it is shorter than care.min_retention_hours";
            return Err(SettingsError::rule("care.retention_hours", care.retention_hours, reason));
        }
        if care.log_retention_hours < care.retention_hours {
            let reason = "it is shorter than care.retention_hours";
            return Err(SettingsError::rule("care.log_retention_hours", care.log_retention_hours, reason));
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), SettingsError> {
        let limits = &self.limits;
        let zeroes = [
            ("memory_limit_mb", self.memory_limit_mb == 0),
            ("runs.step_tries", self.runs.step_tries == 0),
            ("runs.step_timeout_seconds", self.runs.step_timeout_seconds == 0),
            ("care.target_file_mb", self.care.target_file_mb == 0),
            ("care.checkpoint_commits", self.care.checkpoint_commits == 0),
            ("api.postgres.connections", self.api.postgres.connections == 0),
            ("api_ml.delivery_seconds", self.api_ml.delivery_seconds == 0),
            ("api_ml.requests_at_once", self.api_ml.requests_at_once == 0),
            ("accounts.requests_per_second", self.accounts.requests_per_second == 0),
            ("accounts.burst", self.accounts.burst == 0),
            ("accounts.requests_at_once", self.accounts.requests_at_once == 0),
            ("limits.request_body_bytes", limits.request_body_bytes == 0),
            ("limits.request_timeout_seconds", limits.request_timeout_seconds == 0),
            ("limits.max_rows", limits.max_rows == 0),
            ("limits.sql_timeout_seconds", limits.sql_timeout_seconds == 0),
            ("limits.upload_bytes", limits.upload_bytes == 0),
            ("sql.queries_at_once", self.sql.queries_at_once == 0),
            ("sql.query_memory_mb", self.sql.query_memory_mb == 0),
            ("sql.stream_rows", self.sql.stream_rows == 0),
            ("sql.answer_mb", self.sql.answer_mb == 0),
        ];
        match zeroes.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((key, _)) => Err(SettingsError::rule(key, 0, "nothing would ever be allowed; write a positive number")),
            None => Ok(()),
        }
    }
}
