//! `POST /tables/{table}/load`

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use lakehouse_postgres::{Database, LoadError, LoadJob, Loaded, PostgresError, load};
use lakehouse_service::{ApiResult, IdempotencyKey, PathParams, Problem, Problems, QueryParams};
use lakehouse_spec::{DatabaseSpec, SourceContract};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, task::spawn_blocking};
use utoipa::{IntoParams, ToSchema};

use super::{put_file, unknown_file};
use crate::{
    AppState, FileName,
    tables::{content, content_hash},
    upload::{Terms, spool},
};

const RETRY_AFTER_SECONDS: u32 = 10;

/// The path of a table.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TablePath {
    /// A table that a source declares.
    #[param(example = "transaction_data")]
    table: String,
}

/// What to load.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoadQuery {
    /// A file of the folder, instead of a body; `.gz` and `.zst` are decompressed.
    #[param(value_type = Option<String>, example = "transactions_data.csv")]
    file: Option<FileName>,
}

/// What a load did.
#[derive(Serialize, ToSchema)]
pub struct LoadAnswer {
    /// The table.
    table: String,
    /// The date under which the rows are: one day after the last load's.
    #[schema(example = "2025-01-01")]
    situation_date: String,
    /// Rows that were added.
    rows: u64,
    /// Rows that break the contract, and were not.
    refused: u64,
    /// The first hundred of those.
    verdicts: Vec<RowVerdict>,
}

/// Why a row was refused.
#[derive(Serialize, ToSchema)]
pub struct RowVerdict {
    /// Its line in the file, from 1.
    line: u64,
    /// The rule it breaks.
    #[schema(example = "amount is not an amount of money")]
    reason: String,
}

/// Loads a CSV into a table, under a date of its own. The same content, or the same `Idempotency-Key`, is loaded once: again, it
/// gets the same answer. Rows that break the contract are told, and the others are loaded.
#[utoipa::path(
    post, path = "/tables/{table}/load", tag = "tables",
    params(TablePath, LoadQuery, ("Idempotency-Key" = Option<String>, Header, description = "Names this load; without one, its content does")),
    request_body(content = Option<[u8]>, content_type = "text/csv"),
    responses(
        (status = 201, description = "The rows were loaded", body = LoadAnswer),
        (status = 200, description = "They had been loaded before: the answer is that of the first time", body = LoadAnswer,
            headers(("idempotency-replayed" = String, description = "`true`"))),
        (status = 404, description = "No source declares the table, or there is no such file"),
        (status = 422, description = "The file is no CSV of this table, not whole, or without a good row; or the key was used for another file"),
        (status = 429, description = "Other loads are under way"),
        (status = 503, description = "No database is configured, or it is away"),
        Problems,
    )
)]
pub async fn load_table(
    State(state): State<AppState>,
    PathParams(TablePath { table }): PathParams<TablePath>,
    QueryParams(LoadQuery { file }): QueryParams<LoadQuery>,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, HeaderMap, Json<LoadAnswer>)> {
    let (contract, spec) = state.tables.find(&table).ok_or_else(|| unknown_table(&table))?;
    let database = state.tables.database.clone().ok_or_else(not_configured)?;
    let busy = |_| Problem::too_many_requests("other loads are under way", RETRY_AFTER_SECONDS);
    let _turn = Semaphore::try_acquire_owned(state.tables.turns.clone()).map_err(busy)?;
    let input = match file {
        Some(name) => named(&state, name).await?,
        None => sent(&state, &headers, body).await?,
    };
    let loaded = run(&state, &database, contract, spec, key, input).await?;
    tracing::info!(table, situation_date = %loaded.situation_date, rows = loaded.rows, refused = loaded.refused, "loaded `{table}`");
    let (mut status, mut headers) = (StatusCode::CREATED, HeaderMap::new());
    if loaded.is_repeated {
        status = StatusCode::OK;
        headers.extend([IdempotencyKey::REPLAYED]);
    }
    Ok((status, headers, Json(loaded.into())))
}

/// A file to be loaded.
struct Input {
    file: std::fs::File,
    name: String,
    sha256: String,
    /// Keeps a file without a name until it is loaded.
    _path: Option<tempfile::TempPath>,
}

/// A file of the folder.
async fn named(state: &AppState, name: FileName) -> ApiResult<Input> {
    let found = state.folder.file(&name).await.map_err(Problem::internal)?;
    let mut file = found.ok_or_else(|| unknown_file(&name))?.file;
    let hashed = spawn_blocking(move || content_hash(&mut file).map(|sha256| (file, sha256))).await;
    let (file, sha256) = hashed.map_err(Problem::internal)?.map_err(Problem::internal)?;
    Ok(Input { file, name: name.to_string(), sha256, _path: None })
}

/// The body, which has to arrive to its end before anything is loaded: a client that is slow holds no lock, one that breaks off
/// has sent nothing.
async fn sent(state: &AppState, headers: &HeaderMap, body: Body) -> ApiResult<Input> {
    let announced_bytes = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let limits = &state.limits;
    let terms = Terms { announced_bytes, max_bytes: limits.upload_bytes, patience: limits.request_timeout() };
    let spooled = spool(&state.folder, terms, body.into_data_stream()).await.map_err(put_file::refusal)?;
    Ok(Input { file: spooled.file, name: "body.csv".to_owned(), sha256: spooled.sha256, _path: Some(spooled.path) })
}

async fn run(
    state: &AppState,
    database: &Database,
    contract: SourceContract,
    table: DatabaseSpec,
    key: Option<String>,
    input: Input,
) -> ApiResult<Loaded> {
    use std::io::Seek as _;
    let Input { mut file, name, sha256, _path } = input;
    file.rewind().map_err(Problem::internal)?;
    let file = content(file, &name, state.limits.upload_bytes).map_err(|_| unreadable())?;
    let key = key.map_or_else(|| format!("sha256:{sha256}"), |key| format!("key:{key}"));
    load(database, &LoadJob { contract, table, key, sha256 }, file).await.map_err(refusal)
}

fn unknown_table(name: &str) -> Problem {
    Problem::not_found(format!("no source declares a table `{name}`")).with_code("unknown_table")
}

fn not_configured() -> Problem {
    Problem::unavailable("there is no database for tables: set `source_database_url`").with_code("not_configured")
}

fn unreadable() -> Problem {
    Problem::unprocessable("the file could not be read to its end: is it whole, and not larger than allowed?")
}

fn refusal(error: LoadError) -> Problem {
    match error {
        LoadError::Shape(_) => Problem::unprocessable(error.to_string()),
        LoadError::Read(_) => unreadable(),
        LoadError::KeyReused => Problem::unprocessable(error.to_string()).with_code("key_reused"),
        LoadError::Database(PostgresError::Table { reason, .. }) => Problem::conflict(format!("the table {reason}")),
        LoadError::Database(error) if error.is_transient() => {
            let _ = Problem::internal(error);
            Problem::unavailable("the database is away")
        }
        LoadError::Database(error) => Problem::internal(error),
    }
}

impl From<Loaded> for LoadAnswer {
    fn from(loaded: Loaded) -> Self {
        let verdicts = loaded.verdicts.into_iter().map(|verdict| RowVerdict { line: verdict.line, reason: verdict.reason });
        Self {
            table: loaded.table,
            situation_date: loaded.situation_date.to_string(),
            rows: loaded.rows,
            refused: loaded.refused,
            verdicts: verdicts.collect(),
        }
    }
}
