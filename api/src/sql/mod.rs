//! Queries of clients: planned, run and written out on threads of their own, each in its turn and within its limits.
//!
//! The rows of a query go through a short channel from the threads of queries to the connection. A client that stops reading
//! stops the query; one that goes away ends it, because the task of a query lives as long as its answer.

mod answers;
mod body;
mod encode;
mod format;
mod plan;
mod produce;
mod request;
mod results;
mod tracked;
mod turns;
mod wire;
mod workers;

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use lakehouse_lake::{Lake, Leash};
use lakehouse_service::Problem;
use lakehouse_settings::Settings;
use lakehouse_spec::Domain;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use body::{Streamed, TRUNCATED};
pub(crate) use format::Format;
pub(crate) use plan::Planned;
pub(crate) use request::SqlRequest;
pub(crate) use results::Page;
pub(crate) use tracked::{QueryId, QueryStatus};
pub(crate) use wire::Question;

use crate::{catalog::Catalog, principal::Principal, tags};
use answers::Answers;
use produce::Budget;
use request::Job;
use results::Results;
use tracked::Tracker;
use turns::Turns;
use workers::Workers;

/// Pieces of an answer that may be ready before the client takes them.
const PIECES_AHEAD: usize = 2;

/// Runs the queries of clients.
pub(crate) struct Queries {
    catalog: Arc<Catalog>,
    answers: Answers,
    results: Arc<Results>,
    domains: Arc<[Domain]>,
    limits: QueryLimits,
    turns: Turns,
    tracker: Arc<Tracker>,
    workers: Workers,
}

/// What a query may cost.
#[derive(Debug, Clone, Copy)]
struct QueryLimits {
    time: Duration,
    held_rows: usize,
    held_bytes: usize,
    streamed_rows: usize,
    memory: usize,
    /// How long a client may leave an answer unread.
    stall: Duration,
}

/// A piece of an answer.
pub(crate) enum Piece {
    Bytes(Bytes),
    /// Nothing follows.
    End {
        truncated: bool,
    },
}

/// The pieces of an answer as they come; dropped, it ends the query.
pub(crate) struct Pieces {
    received: mpsc::Receiver<Result<Piece, Problem>>,
    worker: AbortOnDropHandle<()>,
    patience: Duration,
    leash: Leash,
}

impl Drop for Pieces {
    /// The task itself ends where it waits; what it works on meanwhile ends by this.
    fn drop(&mut self) {
        self.leash.pull();
    }
}

/// What is to be done about a question.
pub(crate) enum Next {
    /// The client has the answer that has this name.
    Known(HeaderValue),
    /// It was answered before, under this name.
    Held(Bytes, HeaderValue),
    /// It has to run.
    Planned(Box<Planned>),
}

impl Queries {
    pub(crate) fn new(lake: &Lake, catalog: Arc<Catalog>, domains: Arc<[Domain]>, settings: &Settings) -> std::io::Result<Self> {
        let (sql, limits) = (&settings.sql, &settings.limits);
        let limits = QueryLimits {
            time: limits.sql_timeout(),
            held_rows: limits.max_rows,
            held_bytes: sql.answer_mb << 20,
            streamed_rows: sql.stream_rows,
            memory: sql.query_memory_mb << 20,
            stall: limits.request_timeout(),
        };
        let workers = Workers::start(lake.threads())?;
        let (answers, results) = (Answers::new(sql.cache_mb << 20), Arc::new(Results::new(sql)?));
        Ok(Self { catalog, answers, results, domains, limits, turns: Turns::new(sql), tracker: Arc::default(), workers })
    }

    /// Plans a query in its turn, which is over when what was planned is dropped; or finds that it need not run. `known` are the
    /// names of answers that the client has.
    pub(crate) async fn plan(
        &self,
        request: SqlRequest,
        format: Format,
        principal: &Principal,
        known: &HeaderMap,
    ) -> Result<Next, Problem> {
        let describe = request.describe;
        let job = Job::check(request, &self.domains, &self.limits, format)?;
        let (catalog, memory, time) = (self.catalog.clone(), self.limits.memory, job.time);
        let asker = principal.clone();
        let pinned = self.within(time, async move { plan::pin(&catalog, memory, &asker, job).await }).await?;
        if let Some(name) = pinned.name.clone().filter(|_| !describe) {
            if tags::is_known(known, &name) {
                return Ok(Next::Known(name));
            }
            if let Some(answer) = self.answers.get(&name) {
                return Ok(Next::Held(answer, name));
            }
        }
        let turn = self.turns.take().await?;
        let planned = self.within(time, plan::plan(pinned, turn)).await?;
        Ok(Next::Planned(Box::new(planned)))
    }

    /// What `work` comes to, on the threads of queries and in time.
    async fn within<T: Send + 'static>(
        &self,
        time: Duration,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let done = tokio::time::timeout(time, self.workers.run(work)).await;
        done.unwrap_or_else(|_| Err(produce::too_late(time)))?
    }

    /// Keeps an answer for whoever asks the same.
    pub(crate) fn keep(&self, name: HeaderValue, answer: Bytes) {
        self.answers.put(name, answer);
    }

    /// Runs what was planned. The first piece is there when this returns, so that most failures are plain refusals.
    pub(crate) async fn run(&self, planned: Planned) -> Result<(QueryId, Streamed), Problem> {
        let (id, pieces) = self.start(planned);
        Ok((id, Streamed::begin(pieces).await?))
    }

    /// Runs what was planned as Arrow, and keeps the result for its owner; tells whether it has ended within `wait`.
    pub(crate) async fn run_aside(
        &self,
        planned: Planned,
        owner: &Principal,
        wait: Duration,
    ) -> Result<(QueryId, bool), Problem> {
        let schema = planned.query.schema();
        let (id, pieces) = self.start(planned);
        self.results.collect(id, owner.clone(), schema, pieces);
        let has_ended = self.results.wait(id, owner, wait).await?;
        Ok((id, has_ended))
    }

    /// A page of a result that is kept.
    pub(crate) async fn page(&self, id: QueryId, owner: &Principal, page: usize, format: Format) -> Result<Page, Problem> {
        self.results.page(id, owner, page, format).await
    }

    fn start(&self, planned: Planned) -> (QueryId, Pieces) {
        let (sender, received) = mpsc::channel(PIECES_AHEAD);
        let (limits, patience) = (self.limits, planned.job.time.saturating_add(produce::GRACE));
        let leash = planned.query.leash().clone();
        let (id, tracked) = self.tracker.begin(leash.clone());
        let worker = self.workers.spawn(async move {
            let budget = Budget::new(planned.job.time, planned.query.leash().clone());
            let outcome = produce::produce(planned, limits, budget, &sender).await;
            tracked.end(&outcome);
            produce::conclude(outcome, &sender).await;
        });
        self.tracker.abort_with(id, worker.abort_handle());
        let pieces = Pieces { received, worker: AbortOnDropHandle::new(worker), patience, leash };
        (id, pieces)
    }

    /// Stops a query, and forgets its result.
    pub(crate) fn cancel(&self, id: QueryId) -> Result<(), Problem> {
        self.results.forget(id);
        self.tracker.cancel(id)
    }

    /// How a query stands, or what became of it.
    pub(crate) fn status(&self, id: QueryId) -> Result<QueryStatus, Problem> {
        self.tracker.status(id)
    }
}
