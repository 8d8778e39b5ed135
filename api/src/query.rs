//! Running a query for a client: time limit, and errors that tell nothing of the engine.

use std::time::Duration;

use arrow::array::RecordBatch;
use futures::TryStreamExt as _;
use lakehouse_lake::{LakeError, QueryRefusal, QueryStream};
use lakehouse_service::Problem;

/// The rows of a query that ends within `time`; dropping the stream stops it.
pub(crate) async fn take(stream: QueryStream, time: Duration) -> Result<Vec<RecordBatch>, Problem> {
    let seconds = time.as_secs_f64();
    match tokio::time::timeout(time, stream.try_collect::<Vec<_>>()).await {
        Ok(rows) => rows.map_err(problem),
        Err(_) => Err(Problem::timeout(format!("the query did not end within {seconds} seconds")).with_code("query_timeout")),
    }
}

/// A lake error as a client may see it: its own mistakes in plain words, everything else without detail.
pub(crate) fn problem(error: LakeError) -> Problem {
    match error.refusal() {
        Some(QueryRefusal::Stopped) => return stopped(),
        Some(QueryRefusal::Late) => {
            return Problem::timeout("the query did not end within its time").with_code("query_timeout");
        }
        Some(refusal) => return Problem::unprocessable(refusal.to_string()).with_code("query_too_large"),
        None => {}
    }
    match &error {
        LakeError::NotReadOnly { .. } => Problem::bad_request("only one read-only query is allowed").with_code("not_read_only"),
        LakeError::UnknownTable { table } => {
            Problem::not_found(format!("no table is called `{table}`")).with_code("unknown_table")
        }
        LakeError::UnknownVersion { table, .. } => {
            Problem::not_found(format!("`{table}` was not there at that time, or is not kept any more"))
                .with_code("unknown_version")
        }
        LakeError::Plan { source } => Problem::bad_request(plan_reason(source)).with_code("invalid_query"),
        _ if error.is_out_of_memory() => {
            Problem::unprocessable("the query needs more memory than it may use; ask for less").with_code("out_of_memory")
        }
        _ if error.is_of_the_query() => {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::info!(error, "a query failed over the rows it met");
            Problem::unprocessable("the query failed over a value it met, such as a division by zero or a cast that does not fit")
                .with_code("failed_query")
        }
        _ => Problem::internal(error),
    }
}

/// Somebody stopped the query, or nobody waits for it any more.
pub(crate) fn stopped() -> Problem {
    Problem::conflict("the query was stopped").with_code("query_stopped")
}

/// What a client can act on, in the first line of the planner's message: a syntax error or an unknown name of its own query.
fn plan_reason(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let known = ["SQL error: ParserError(", "Schema error: ", "Error during planning: "];
    match known.iter().find_map(|prefix| line.strip_prefix(prefix)) {
        Some(reason) => format!("the query is not valid: {}", reason.chars().take(300).collect::<String>()),
        None => "the query is not valid".to_owned(),
    }
}
