//! Runs: what there was, and asking for one. Whoever keeps the schedule starts it.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
};
use jiff::Timestamp;
use lakehouse_metadata::{EventFilter, EventRecord, RunFilter, RunRecord, RunRequest, RunStatus, StepRecord};
use lakehouse_service::{ApiResult, IdempotencyKey, JsonBody, PathParams, Problem, Problems, QueryParams};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use twox_hash::XxHash3_128;
use utoipa::{IntoParams, ToSchema};

use crate::{ApiState, records::away};

const MAX_LIMIT: u32 = 1_000;

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunsQuery {
    /// Only those of this domain.
    domain: Option<String>,
    /// Only those that stand so: running, succeeded, failed, abandoned or cancelled.
    status: Option<String>,
    /// Only those before this run, which is the last one of a page.
    before: Option<String>,
    /// How many, at most 1000.
    #[serde(default = "fifty")]
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: u32,
}

fn fifty() -> u32 {
    50
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    #[schema(example = "fraud-20261121T030000000Z")]
    run: String,
    domain: String,
    /// What started it: manual, schedule, api, resume or backfill.
    trigger: &'static str,
    /// How it stands: running, succeeded, failed, abandoned or cancelled.
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// What went wrong.
    error: Option<String>,
    /// What it was asked to do.
    parameters: Value,
}

/// A run with what it did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunInFull {
    #[serde(flatten)]
    run: Run,
    /// Rows, bytes, versions and seconds of everything it made; null while it runs.
    report: Option<Value>,
    steps: Vec<Step>,
}

/// A step of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    stage: String,
    step: String,
    /// How it stands: succeeded, skipped or failed.
    status: &'static str,
    attempt: u32,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    rows: Option<u64>,
    bytes: Option<u64>,
    version: Option<u64>,
    /// Why it did what it did, or nothing.
    decision: Option<String>,
    error: Option<String>,
}

/// Something that happened in a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Grows from event to event.
    id: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(example = "table.written")]
    name: String,
    /// info, warning or error.
    level: &'static str,
    payload: Value,
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(RunsQuery), responses((status = 200, body = Vec<Run>), Problems))]
pub(crate) async fn list(State(state): State<ApiState>, QueryParams(asked): QueryParams<RunsQuery>) -> ApiResult<Json<Vec<Run>>> {
    if !(1..=MAX_LIMIT).contains(&asked.limit) {
        return Err(Problem::unprocessable(format!("`limit` is 1 to {MAX_LIMIT}")));
    }
    let domain = asked.domain.map(|name| state.domain(&name).map(|domain| domain.name.clone())).transpose()?;
    let status: Option<RunStatus> = asked
        .status
        .map(|word| word.parse())
        .transpose()
        .map_err(|error: lakehouse_metadata::UnknownWord| Problem::unprocessable(format!("`status`: {error}")))?;
    let records = state.records.open().await?;
    let before = match asked.before {
        Some(name) => Some(records.run(&name).await.map_err(away)?.ok_or_else(|| unknown(&name))?.cursor()),
        None => None,
    };
    let runs = records.runs(&RunFilter { domain, status, before, limit: asked.limit }).await.map_err(away)?;
    Ok(Json(runs.into_iter().map(Run::from).collect()))
}

/// A run, with its steps and its report.
#[utoipa::path(
    get, path = "/runs/{run}", tag = "runs", params(("run" = String, Path, description = "Its name")),
    responses((status = 200, body = RunInFull), (status = 404, description = "There is no such run"), Problems)
)]
pub(crate) async fn read(State(state): State<ApiState>, PathParams(name): PathParams<String>) -> ApiResult<Json<RunInFull>> {
    let records = state.records.open().await?;
    let mut run = records.run(&name).await.map_err(away)?.ok_or_else(|| unknown(&name))?;
    let steps = records.steps(&name).await.map_err(away)?;
    let report = run.report.take();
    Ok(Json(RunInFull { run: run.into(), report, steps: steps.into_iter().map(Step::from).collect() }))
}

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// Only those with a higher `id`, which is that of the last one seen.
    #[serde(default)]
    after: i64,
}

/// The events of a run, in order, at most 1000 of them.
#[utoipa::path(
    get, path = "/runs/{run}/events", tag = "runs", params(("run" = String, Path, description = "Its name"), EventsQuery),
    responses((status = 200, body = Vec<Event>), (status = 404, description = "There is no such run"), Problems)
)]
pub(crate) async fn events(
    State(state): State<ApiState>,
    PathParams(name): PathParams<String>,
    QueryParams(EventsQuery { after }): QueryParams<EventsQuery>,
) -> ApiResult<Json<Vec<Event>>> {
    let records = state.records.open().await?;
    records.run(&name).await.map_err(away)?.ok_or_else(|| unknown(&name))?;
    let filter = EventFilter { run: Some(name), domain: None, after, limit: MAX_LIMIT };
    Ok(Json(records.events(&filter).await.map_err(away)?.into_iter().map(Event::from).collect()))
}

/// A run to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRun {
    /// The domain.
    #[schema(example = "fraud")]
    domain: String,
    /// Stop after the datamarts.
    #[serde(default)]
    skip_training: bool,
    /// Go on with the last run where it failed or was stopped.
    #[serde(default)]
    resume: bool,
}

/// A run that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Request {
    request: String,
    domain: String,
    /// How it stands: waiting, started or refused.
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    /// The run that was started for it.
    run: Option<String>,
    /// Why none was started.
    refusal: Option<String>,
}

/// Asks for a run. Whoever keeps the domain's schedule (`lakehouse schedule`) starts it within seconds, or when the run that is
/// under way has ended.
#[utoipa::path(
    post, path = "/runs", tag = "runs", request_body = NewRun,
    params(("idempotency-key" = Option<String>, Header, description = "Names this request, so that sending it again is safe")),
    responses(
        (status = 202, description = "It is noted", body = Request, headers(("location" = String, description = "Where to ask what became of it"))),
        (status = 404, description = "There is no such domain"),
        Problems,
    )
)]
pub(crate) async fn ask(
    State(state): State<ApiState>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(NewRun { domain, skip_training, resume }): JsonBody<NewRun>,
) -> ApiResult<(StatusCode, [(header::HeaderName, String); 1], Json<Request>)> {
    let domain = &state.domain(&domain)?.name;
    let name = request_name(key.as_deref());
    let records = state.records.open().await?;
    let parameters = json!({ "skip_training": skip_training, "resume": resume });
    records.request_run(&name, domain, Timestamp::now(), &parameters).await.map_err(away)?;
    let noted = records.run_request(&name).await.map_err(away)?.ok_or_else(|| unknown_request(&name))?;
    if noted.domain != *domain || noted.parameters != parameters {
        return Err(Problem::unprocessable("the key was used before, for another request").with_code("key_reused"));
    }
    tracing::info!(request = name, %domain, "a run of `{domain}` was asked for");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/runs/requests/{name}"))], Json(noted.into())))
}

/// What became of a request for a run.
#[utoipa::path(
    get, path = "/runs/requests/{request}", tag = "runs", params(("request" = String, Path, description = "Its name")),
    responses((status = 200, body = Request), (status = 404, description = "There is no such request"), Problems)
)]
pub(crate) async fn request(State(state): State<ApiState>, PathParams(name): PathParams<String>) -> ApiResult<Json<Request>> {
    let found = state.records.open().await?.run_request(&name).await.map_err(away)?;
    Ok(Json(found.ok_or_else(|| unknown_request(&name))?.into()))
}

/// The key's digest: a name that stands in a path as it is.
fn request_name(key: Option<&str>) -> String {
    key.map_or_else(|| format!("{:032x}", rand::random::<u128>()), |key| format!("{:032x}", XxHash3_128::oneshot(key.as_bytes())))
}

fn unknown(run: &str) -> Problem {
    Problem::not_found(format!("no run is called `{run}`")).with_code("unknown_run")
}

fn unknown_request(request: &str) -> Problem {
    Problem::not_found(format!("no request is called `{request}`")).with_code("unknown_request")
}

impl From<RunRecord> for Run {
    fn from(run: RunRecord) -> Self {
        let RunRecord { run, domain, trigger, status, started_at, finished_at, error, parameters, .. } = run;
        let (domain, trigger, status) = (domain.to_string(), trigger.as_str(), status.as_str());
        Self { run, domain, trigger, status, started_at, finished_at, error, parameters }
    }
}

impl From<StepRecord> for Step {
    fn from(step: StepRecord) -> Self {
        let StepRecord { stage, step, status, attempt, started_at, finished_at, rows, bytes, version, decision, error, .. } =
            step;
        Self { stage, step, status: status.as_str(), attempt, started_at, finished_at, rows, bytes, version, decision, error }
    }
}

impl From<EventRecord> for Event {
    fn from(event: EventRecord) -> Self {
        let EventRecord { id, at, name, level, payload, .. } = event;
        Self { id, at, name, level: level.as_str(), payload }
    }
}

impl From<RunRequest> for Request {
    fn from(request: RunRequest) -> Self {
        let RunRequest { request, domain, requested_at, run, refusal, .. } = request;
        let status = match (&run, &refusal) {
            (Some(_), _) => "started",
            (None, Some(_)) => "refused",
            (None, None) => "waiting",
        };
        Self { request, domain: domain.to_string(), status, requested_at, run, refusal }
    }
}
