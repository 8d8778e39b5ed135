//! `POST /v1/logs/search` and `GET /v1/logs/stats`

use axum::{Json, extract::State};
use lakehouse_service::{ApiResult, JsonBody, Problem, Problems};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::network::{
    NetworkState,
    firewall::{Firewalls, IncidentType, LogError, LogLine, Search},
    instant,
};

/// Lines of one answer.
const MOST_LINES: usize = 1_000;

/// What is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchBody {
    /// From then on; UTC where it says no offset.
    #[schema(example = "2025-02-03T00:00:00Z")]
    start_timestamp: String,
    /// To then, included.
    #[schema(example = "2025-02-03T23:59:59Z")]
    end_timestamp: String,
    /// About these; absent or empty means all.
    #[serde(default)]
    incident_types: Option<Vec<IncidentType>>,
    /// Lines to skip.
    #[serde(default)]
    offset: usize,
    /// Lines to return, at most 1,000.
    #[serde(default = "most")]
    limit: usize,
}

fn most() -> usize {
    MOST_LINES
}

/// What was found.
#[derive(Serialize, ToSchema)]
pub struct Found {
    /// Lines in all.
    total: u64,
    ok_count: u64,
    bug_count: u64,
    attack_count: u64,
    /// Those of this page, by time.
    logs: Vec<LogLine>,
    /// Where the next page begins; null after the last.
    next_offset: Option<usize>,
    start_timestamp: String,
    end_timestamp: String,
}

/// All lines.
#[derive(Serialize, ToSchema)]
pub struct Stats {
    total_logs: u64,
    ok_count: u64,
    bug_count: u64,
    attack_count: u64,
    /// Lines that are damaged, and in no other number.
    damaged_count: u64,
    /// As in `feb_2025`, by time.
    months_available: Vec<String>,
}

/// Lines of the firewall logs in a range of time, by time.
#[utoipa::path(
    post, path = "/v1/logs/search", tag = "networks", request_body = SearchBody,
    responses(
        (status = 200, description = "The lines", body = Found),
        (status = 404, description = "There are no logs"),
        (status = 422, description = "A timestamp is none, or the range is backwards"),
        (status = 503, description = "A log is being replaced"),
        Problems,
    )
)]
pub async fn search(State(state): State<NetworkState>, JsonBody(body): JsonBody<SearchBody>) -> ApiResult<Json<Found>> {
    let SearchBody { start_timestamp, end_timestamp, incident_types, offset, limit } = body;
    let second = |name: &str, text: &str| {
        let parsed = instant::parse(text).map(|at| at.as_second());
        parsed.ok_or_else(|| Problem::unprocessable(format!("`{name}` is no timestamp: write it as 2025-02-03T00:00:00Z")))
    };
    let (from, to) = (second("start_timestamp", &start_timestamp)?, second("end_timestamp", &end_timestamp)?);
    if from > to {
        return Err(Problem::unprocessable("`start_timestamp` is later than `end_timestamp`"));
    }
    if !(1..=MOST_LINES).contains(&limit) {
        return Err(Problem::unprocessable(format!("`limit` must be between 1 and {MOST_LINES}, not {limit}")));
    }
    let search = Search { from, to, types: incident_types.unwrap_or_default(), page: (offset, limit) };
    let found = firewalls(&state)?.search(search).await.map_err(unread)?;
    let (counts, logs) = found.ok_or_else(no_logs)?;
    let next = offset.saturating_add(logs.len());
    Ok(Json(Found {
        total: counts.total(),
        ok_count: counts.ok,
        bug_count: counts.bug,
        attack_count: counts.attack,
        next_offset: (!logs.is_empty() && (next as u64) < counts.total()).then_some(next),
        logs,
        start_timestamp,
        end_timestamp,
    }))
}

/// How many lines there are, by what they are about.
#[utoipa::path(
    get, path = "/v1/logs/stats", tag = "networks",
    responses((status = 200, description = "The counts", body = Stats), (status = 404, description = "There are no logs"), Problems)
)]
pub async fn stats(State(state): State<NetworkState>) -> ApiResult<Json<Stats>> {
    let counted = firewalls(&state)?.stats().await.map_err(unread)?;
    let (counts, damaged_count, months_available) = counted.ok_or_else(no_logs)?;
    Ok(Json(Stats {
        total_logs: counts.total(),
        ok_count: counts.ok,
        bug_count: counts.bug,
        attack_count: counts.attack,
        damaged_count,
        months_available,
    }))
}

fn firewalls(state: &NetworkState) -> ApiResult<&Firewalls> {
    state.firewalls.as_deref().ok_or_else(no_logs)
}

fn no_logs() -> Problem {
    Problem::not_found("there are no firewall logs").with_code("no_sources")
}

fn unread(error: LogError) -> Problem {
    match error {
        LogError::Store(object_store::Error::Precondition { .. }) => {
            Problem::unavailable("a firewall log is being replaced: ask again")
        }
        error => Problem::internal(error),
    }
}
