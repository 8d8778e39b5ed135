//! Where models are told of, beside our own registry.

use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::{Secret, SettingsError};

/// The MLflow server that is told of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MlflowSettings {
    /// Its address; `None` where there is none.
    #[serde(serialize_with = "or_empty")]
    pub tracking_uri: Option<Url>,
    /// The experiment that gets the runs.
    pub experiment: String,
    /// Who logs in there; empty for nobody.
    pub username: String,
    /// With what.
    pub password: Secret,
    /// Used instead of both, unless empty.
    pub token: Secret,
    /// Seconds a run waits for it.
    pub timeout_seconds: u64,
}

fn or_empty<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.as_ref().map_or("", Url::as_str))
}

/// [`MlflowSettings`] before its files are read.
#[derive(Deserialize)]
pub(crate) struct WrittenMlflow {
    tracking_uri: String,
    experiment: String,
    username: String,
    password: Secret,
    password_file: String,
    token: Secret,
    token_file: String,
    timeout_seconds: u64,
}

impl WrittenMlflow {
    pub(crate) fn check(self, base: &Path) -> Result<MlflowSettings, SettingsError> {
        const KEY: &str = "mlflow.tracking_uri";
        let refuse = |reason: &'static str| SettingsError::rule(KEY, "***", reason);
        let tracking_uri = (!self.tracking_uri.is_empty()).then(|| Url::parse(&self.tracking_uri));
        let tracking_uri = tracking_uri.transpose().map_err(|_| refuse("write an address such as http://127.0.0.1:5000"))?;
        let [password, token] = [(self.password, &self.password_file), (self.token, &self.token_file)]
            .map(|(given, file)| Secret::read(given, base, file));
        let (password, token) = (password?, token?);
        if let Some(url) = &tracking_uri {
            if !url.username().is_empty() || url.password().is_some() {
                return Err(refuse("credentials do not belong in an address: use mlflow.username and mlflow.password_file"));
            }
            let is_loopback = ["127.0.0.1", "[::1]", "localhost"].contains(&url.host_str().unwrap_or_default());
            match url.scheme() {
                "https" => {}
                "http" if is_loopback || (password.is_empty() && token.is_empty()) => {}
                "http" => return Err(refuse("plain http would show the password or the token to the network: use https")),
                _ => return Err(refuse("write an address such as http://127.0.0.1:5000")),
            }
        }
        if self.experiment.is_empty() {
            return Err(SettingsError::rule("mlflow.experiment", "", "name the experiment"));
        }
        let Self { experiment, username, timeout_seconds, .. } = self;
        Ok(MlflowSettings { tracking_uri, experiment, username, password, token, timeout_seconds })
    }
}
