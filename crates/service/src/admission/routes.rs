//! `/auth/…` and `/audit`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use jiff::Timestamp;
use lakehouse_accounts::{Scope, Tokens};
use lakehouse_metadata::{AuditFilter, AuditRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ApiResult, JsonBody, Problem, Problems, QueryParams, serve::Peer};

use super::{Admission, Caller, Permitted as _, refusal};

const MAX_LIMIT: u32 = 1_000;
/// Tokens are for whoever asked, and for nobody's cache.
const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// The routes of accounts, on every service.
pub(crate) fn routes(admission: Arc<Admission>) -> OpenApiRouter {
    let free = OpenApiRouter::default().routes(routes!(login)).routes(routes!(refresh)).open_to_all();
    let known = OpenApiRouter::default().routes(routes!(logout)).routes(routes!(me)).needs_anybody();
    let audit = OpenApiRouter::default().routes(routes!(audit)).needs(Scope::AuditRead);
    free.merge(known).merge(audit).with_state(admission)
}

/// A name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    #[schema(example = "ada")]
    name: String,
    password: String,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    refresh_token: String,
}

/// What to say from now on.
#[derive(Serialize, ToSchema)]
struct TokenAnswer {
    /// For `authorization: Bearer`.
    access_token: String,
    /// For the next pair of tokens, once: a second use ends the session.
    refresh_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token ends.
    #[schema(example = 900)]
    expires_in: i64,
}

impl From<Tokens> for TokenAnswer {
    fn from(tokens: Tokens) -> Self {
        let Tokens { access, refresh, expires_in } = tokens;
        Self { access_token: access, refresh_token: refresh, token_type: "bearer", expires_in }
    }
}

type TokenResult = ApiResult<([(HeaderName, HeaderValue); 1], Json<TokenAnswer>)>;

/// Begins a session.
#[utoipa::path(
    post, path = "/auth/login", tag = "accounts", request_body = Login,
    responses((status = 200, body = TokenAnswer), (status = 401, description = "Name or password is wrong"), Problems)
)]
async fn login(
    State(admission): State<Arc<Admission>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    JsonBody(Login { name, password }): JsonBody<Login>,
) -> TokenResult {
    admission.desk.pass(&name, &admission.client(peer.map(|Extension(peer)| peer), &headers))?;
    let tokens = admission.open().await?.accounts.login(&name, password).await;
    admission.tell("auth.login", &name, tokens.is_ok());
    Ok(([NO_STORE], Json(tokens.map_err(refusal)?.into())))
}

/// Gives the next pair of tokens.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "accounts", request_body = Refresh,
    responses((status = 200, body = TokenAnswer), (status = 401, description = "The token is not good, or was used before"), Problems)
)]
async fn refresh(State(admission): State<Arc<Admission>>, JsonBody(Refresh { refresh_token }): JsonBody<Refresh>) -> TokenResult {
    let tokens = admission.open().await?.accounts.refresh(&refresh_token).await.map_err(refusal)?;
    Ok(([NO_STORE], Json(tokens.into())))
}

/// Ends the session of the access token.
#[utoipa::path(
    post, path = "/auth/logout", tag = "accounts",
    responses((status = 204, description = "It has ended"), (status = 400, description = "There is no session to end"), Problems)
)]
async fn logout(State(admission): State<Arc<Admission>>, Caller(caller): Caller) -> ApiResult<StatusCode> {
    let no_session = || Problem::bad_request("only a login has a session to end; a key is revoked").with_code("no_session");
    let session = caller.session().ok_or_else(no_session)?;
    admission.open().await?.accounts.logout(session).await.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who asks.
#[derive(Serialize, ToSchema)]
struct Me {
    #[schema(example = "ada")]
    name: String,
    /// viewer, data_scientist, admin or service.
    #[schema(example = "viewer")]
    role: &'static str,
    #[schema(example = json!(["datamarts:read", "sql:run"]))]
    scopes: Vec<&'static str>,
    /// The id of the API key that was used.
    key: Option<String>,
}

/// Tells who asks, and what that one may do.
#[utoipa::path(get, path = "/auth/me", tag = "accounts", responses((status = 200, body = Me), Problems))]
async fn me(Caller(caller): Caller) -> Json<Me> {
    Json(Me {
        name: caller.name().to_owned(),
        role: caller.role().as_str(),
        scopes: caller.scopes().iter().map(|scope| scope.as_str()).collect(),
        key: caller.key().map(str::to_owned),
    })
}

/// Which entries to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// Only what this user did.
    principal: Option<String>,
    /// Only what was done since.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only entries with a lower `id`, which is the last one of a page.
    before: Option<i64>,
    /// How many, at most 1000.
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

/// What somebody did.
#[derive(Serialize, ToSchema)]
struct AuditEntry {
    id: i64,
    /// When; of several times the last.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(example = "api")]
    service: String,
    #[schema(example = "ada")]
    principal: String,
    #[schema(example = "GET")]
    action: String,
    #[schema(example = "/datamarts/fraud/dm_client_features")]
    object: String,
    /// How it was answered, as an HTTP status.
    #[schema(example = 200)]
    outcome: u16,
    /// How often.
    times: u64,
    /// The id of the request; of several the last.
    request: Option<String>,
}

impl From<AuditRecord> for AuditEntry {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { id, at, service, principal, action, object, outcome, times, request } = record;
        Self { id, at, service, principal, action, object, outcome, times, request }
    }
}

/// The audit trail, newest first: who read and changed what. Equal requests within a second are one entry.
#[utoipa::path(get, path = "/audit", tag = "accounts", params(AuditQuery), responses((status = 200, body = Vec<AuditEntry>), Problems))]
async fn audit(
    State(admission): State<Arc<Admission>>,
    QueryParams(AuditQuery { principal, since, before, limit }): QueryParams<AuditQuery>,
) -> ApiResult<Json<Vec<AuditEntry>>> {
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::unprocessable(format!("`limit` is 1 to {MAX_LIMIT}")));
    }
    let opened = admission.open().await?;
    opened.trail.write().await;
    let filter = AuditFilter { principal, since: since.unwrap_or(Timestamp::UNIX_EPOCH), before, limit };
    let entries = opened.accounts.audit(&filter).await.map_err(refusal)?;
    Ok(Json(entries.into_iter().map(AuditEntry::from).collect()))
}
