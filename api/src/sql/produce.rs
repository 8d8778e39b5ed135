//! Running a query and writing it out, until it is done, cut, too late or nobody reads on.

use std::time::Duration;

use arrow::array::RecordBatch;
use futures::StreamExt as _;
use lakehouse_lake::Leash;
use lakehouse_service::Problem;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{Piece, Planned, QueryLimits, encode::Encoder, tracked::Outcome};
use crate::query::problem;

/// Rows written at once: a sort hands over batches of any size.
const ROWS_AT_ONCE: usize = 8192;
/// How much later than a query itself its time limit is seen from outside, for queries that do not even let a clock run.
pub(super) const GRACE: Duration = Duration::from_millis(250);

type Sender = mpsc::Sender<Result<Piece, Problem>>;

/// The time a query has: what it spends working, not what its client spends reading.
pub(super) struct Budget {
    whole: Duration,
    left: Duration,
    leash: Leash,
}

impl Budget {
    pub(super) fn new(whole: Duration, leash: Leash) -> Self {
        Self { whole, left: whole, leash }
    }

    async fn spend<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Problem> {
        let started = Instant::now();
        self.leash.give(self.left);
        let done = timeout(self.left, work).await.map_err(|_| too_late(self.whole))?;
        self.leash.rest();
        self.left = self.left.saturating_sub(started.elapsed());
        Ok(done)
    }
}

/// The query took longer than it may.
pub(super) fn too_late(time: Duration) -> Problem {
    let seconds = time.as_secs_f64();
    Problem::timeout(format!("the query did not end within {seconds} seconds")).with_code("query_timeout")
}

/// Sends the rows of a query in its format.
pub(super) async fn produce(
    planned: Planned,
    limits: QueryLimits,
    mut budget: Budget,
    sender: &Sender,
) -> Result<Outcome, Problem> {
    let Planned { job, query, writer, _turn, .. } = planned;
    let (format, limit) = (job.format, job.limit);
    // One more than is given tells whether there are more.
    let mut rows = budget.spend(query.run(limit.saturating_add(1))).await?.map_err(problem)?;
    let mut encoder = match writer {
        Some(writer) => Encoder::rows(writer, &rows.schema()),
        None => Encoder::new(format, &rows.schema())?,
    };
    let mut outcome = Outcome::default();
    while !outcome.truncated
        && let Some(batch) = budget.spend(rows.next()).await?
    {
        for part in parts(&batch.map_err(problem)?) {
            let room = limit - outcome.rows;
            outcome.truncated = part.num_rows() > room;
            let part = part.slice(0, part.num_rows().min(room));
            outcome.rows += part.num_rows();
            send(sender, encoder.write(&part)?, limits.stall).await?;
            outcome.truncated |= encoder.held() > limits.held_bytes && format.is_held();
            if outcome.truncated {
                break;
            }
        }
    }
    drop(rows);
    send(sender, encoder.finish(outcome.truncated)?, limits.stall).await?;
    Ok(outcome)
}

/// Tells the client how it ended; whoever asks by id has been told before.
pub(super) async fn conclude(outcome: Result<Outcome, Problem>, sender: &Sender) {
    let last = outcome.map(|outcome| Piece::End { truncated: outcome.truncated });
    // A client that is gone need not be told.
    let _ = sender.send(last).await;
}

fn parts(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(ROWS_AT_ONCE);
    starts.map(|start| batch.slice(start, ROWS_AT_ONCE.min(batch.num_rows() - start)))
}

async fn send(sender: &Sender, bytes: bytes::Bytes, stall: Duration) -> Result<(), Problem> {
    if bytes.is_empty() { Ok(()) } else { hand_over(sender, Piece::Bytes(bytes), stall).await }
}

/// Waits for the client to take what is there.
async fn hand_over(sender: &Sender, piece: Piece, stall: Duration) -> Result<(), Problem> {
    match timeout(stall, sender.send(Ok(piece))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Problem::request_timeout("the client went away").with_code("client_gone")),
        Err(_) => Err(Problem::request_timeout("the client stopped reading").with_code("client_stalled")),
    }
}
