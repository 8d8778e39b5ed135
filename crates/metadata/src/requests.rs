//! Runs that were asked for: noted by whoever asks, started by whoever keeps the schedule.

use jiff::Timestamp;
use lakehouse_spec::DomainName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::{
    Metadata, MetadataError,
    metadata::failed,
    record::Record,
    value::{instant, json},
};

/// A run that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRequest {
    /// Its name; never used twice.
    pub request: String,
    /// The domain.
    pub domain: DomainName,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// What is asked of it.
    pub parameters: Value,
    /// The run that was started for it.
    pub run: Option<String>,
    /// Why no run was started for it.
    pub refusal: Option<String>,
}

macro_rules! select_requests {
    ($rest:literal) => {
        concat!("select request, domain, requested_at, parameters, run, refusal from run_requests ", $rest)
    };
}

const INSERT: &str = "insert into run_requests (request, domain, requested_at, parameters) values ($1, $2, $3, $4)
    on conflict (request) do nothing";

const ONE: &str = select_requests!("where request = $1");

const WAITING: &str =
    select_requests!("where domain = $1 and run is null and refusal is null order by requested_at, request limit 1");

const REFUSE: &str = "update run_requests set refusal = $1 where request = $2 and run is null and refusal is null";

pub(crate) const TAKE: &str = "update run_requests set run = $1 where request = $2 and run is null and refusal is null";

impl Metadata {
    /// Notes a request; the same one again changes nothing.
    pub async fn request_run(
        &self,
        request: &str,
        domain: &DomainName,
        requested_at: Timestamp,
        parameters: &Value,
    ) -> Result<(), MetadataError> {
        let insert = sqlx::query(INSERT).bind(request).bind(domain.as_str()).bind(instant(requested_at)).bind(json(parameters));
        insert.execute(&self.writer).await.map(drop).map_err(failed("note the request", request))
    }

    /// A request.
    pub async fn run_request(&self, request: &str) -> Result<Option<RunRequest>, MetadataError> {
        let row = sqlx::query(ONE).bind(request).fetch_optional(&self.reader).await.map_err(failed("read request", request))?;
        row.as_ref().map(read).transpose()
    }

    /// The request for a run of `domain` that has waited longest.
    pub async fn waiting_request(&self, domain: &DomainName) -> Result<Option<RunRequest>, MetadataError> {
        let found = sqlx::query(WAITING).bind(domain.as_str()).fetch_optional(&self.reader).await;
        found.map_err(failed("look for requests of", domain))?.as_ref().map(read).transpose()
    }

    /// Answers a request that waits with the reason why no run is started for it.
    pub async fn refuse_request(&self, request: &str, refusal: &str) -> Result<(), MetadataError> {
        let update = sqlx::query(REFUSE).bind(refusal).bind(request);
        update.execute(&self.writer).await.map(drop).map_err(failed("refuse request", request))
    }
}

fn read(row: &AnyRow) -> Result<RunRequest, MetadataError> {
    let record = Record { table: "run_requests", row };
    Ok(RunRequest {
        request: record.text("request")?,
        domain: record.word("domain")?,
        requested_at: record.instant("requested_at")?,
        parameters: record.json("parameters")?,
        run: record.optional_text("run")?,
        refusal: record.optional_text("refusal")?,
    })
}
