//! Running a query for a client: row cap, time limit, and errors that tell nothing of the engine.

use std::time::Duration;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use futures::StreamExt as _;
use lakehouse_lake::{LakeError, QueryStream};
use lakehouse_service::Problem;

/// The rows of an answer.
pub(crate) struct Answer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    /// There were more rows than the limit.
    pub truncated: bool,
}

/// Takes at most `limit` rows within `time`; dropping the stream stops the query.
pub(crate) async fn take(mut stream: QueryStream, limit: usize, time: Duration) -> Result<Answer, Problem> {
    let schema = stream.schema();
    let mut answer = Answer { schema, batches: Vec::new(), truncated: false };
    let collect = async {
        let mut left = limit;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(problem)?;
            if batch.num_rows() > left {
                answer.batches.push(batch.slice(0, left));
                answer.truncated = true;
                break;
            }
            left -= batch.num_rows();
            answer.batches.push(batch);
        }
        Ok(())
    };
    let seconds = time.as_secs_f64();
    match tokio::time::timeout(time, collect).await {
        Ok(outcome) => outcome.map(|()| answer),
        Err(_) => Err(Problem::timeout(format!("the query did not end within {seconds} seconds")).with_code("query_timeout")),
    }
}

/// A lake error as a client may see it: its own mistakes in plain words, everything else without detail.
pub(crate) fn problem(error: LakeError) -> Problem {
    match &error {
        LakeError::NotReadOnly { .. } => Problem::bad_request("only one read-only query is allowed").with_code("not_read_only"),
        LakeError::UnknownTable { table } => {
            Problem::not_found(format!("no table is called `{table}`")).with_code("unknown_table")
        }
        LakeError::Plan { source } => Problem::bad_request(plan_reason(source)).with_code("invalid_query"),
        _ if error.is_out_of_memory() => {
            Problem::unprocessable("the query needs more memory than it may use; ask for less").with_code("out_of_memory")
        }
        _ => Problem::internal(error),
    }
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
