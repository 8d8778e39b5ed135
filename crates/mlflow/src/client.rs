//! Requests to the REST API of an MLflow server. <https://mlflow.org/docs/latest/rest-api.html>

use std::time::Duration;

use bytes::Bytes;
use lakehouse_settings::MlflowSettings;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::Value;

use crate::MlflowError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a refusal's sentence that are passed on.
const MAX_REASON: usize = 300;
/// What runs' files are called where the server itself stores them.
const PROXIED: &str = "mlflow-artifacts:";

/// A client of one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    settings: MlflowSettings,
}

impl Client {
    /// A client for the server at `base`.
    pub fn new(base: &Url, settings: &MlflowSettings) -> Result<Self, MlflowError> {
        let timeout = Duration::from_secs(settings.timeout_seconds);
        let http = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(timeout).build();
        Ok(Self { http: http.map_err(MlflowError::Client)?, base: base.clone(), settings: settings.clone() })
    }

    /// Asks for something.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, MlflowError> {
        let request = self.request(Method::GET, &format!("/api/2.0/mlflow/{path}")).query(query);
        self.json(path, request).await
    }

    /// The same, and `None` where the server says that there is none.
    pub async fn find(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Value>, MlflowError> {
        match self.get(path, query).await {
            Ok(found) => Ok(Some(found)),
            // An alias that is not set is an invalid parameter to the server.
            Err(MlflowError::Refused { reason, .. })
                if ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"].iter().any(|code| reason.starts_with(code)) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Tells something.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, MlflowError> {
        self.json(path, self.request(Method::POST, &format!("/api/2.0/mlflow/{path}")).json(body)).await
    }

    /// Makes something unless it is there; tells whether this call did.
    pub async fn create(&self, path: &str, body: &Value) -> Result<Option<Value>, MlflowError> {
        match self.post(path, body).await {
            Ok(made) => Ok(Some(made)),
            Err(MlflowError::Refused { reason, .. }) if reason.starts_with("RESOURCE_ALREADY_EXISTS") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Uploads a file of a run whose files are at `artifact_uri`, by way of the server.
    pub async fn upload(&self, artifact_uri: &str, file: &str, bytes: Bytes) -> Result<(), MlflowError> {
        let unreachable = || MlflowError::Artifacts(artifact_uri.to_owned());
        let place = artifact_uri.strip_prefix(PROXIED).ok_or_else(unreachable)?;
        // With an authority it names this same server by another address.
        let place = match place.strip_prefix("//") {
            Some(rest) => rest.split_once('/').ok_or_else(unreachable)?.1,
            None => place.trim_start_matches('/'),
        };
        let path = format!("/api/2.0/mlflow-artifacts/artifacts/{place}/{file}");
        let request = self.request(Method::PUT, &path).body(bytes);
        self.answer(file, request).await.map(|_| ())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        let request = self.http.request(method, url);
        let MlflowSettings { username, password, token, .. } = &self.settings;
        match (token.is_empty(), username.is_empty()) {
            (false, _) => request.bearer_auth(token.expose()),
            (true, false) => request.basic_auth(username, Some(password.expose())),
            (true, true) => request,
        }
    }

    async fn json(&self, path: &str, request: RequestBuilder) -> Result<Value, MlflowError> {
        self.answer(path, request).await?.json().await.map_err(|source| transport(path, source))
    }

    async fn answer(&self, path: &str, request: RequestBuilder) -> Result<Response, MlflowError> {
        let answer = request.send().await.map_err(|source| transport(path, source))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.text().await.unwrap_or_default();
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        let mut reason = match (told["error_code"].as_str(), told["message"].as_str()) {
            (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
            _ => "no reason that can be read".to_owned(),
        };
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        Err(MlflowError::Refused { path: path.to_owned(), status: status.as_u16(), reason })
    }
}

fn transport(path: &str, source: reqwest::Error) -> MlflowError {
    MlflowError::Transport { path: path.to_owned(), source: source.without_url() }
}
