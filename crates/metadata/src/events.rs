//! Events: appended, numbered in the order they become visible, never changed.

use jiff::Timestamp;
use lakehouse_spec::DomainName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::{
    EventLevel, Metadata, MetadataError,
    metadata::failed,
    record::Record,
    value::{count, instant, json},
};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// In which run, if in one.
    pub run: Option<String>,
    /// In which domain.
    pub domain: DomainName,
    /// When.
    pub at: Timestamp,
    /// What: `run.started`, `table.written`.
    pub name: String,
    /// How much it matters.
    pub level: EventLevel,
    /// The details.
    pub payload: Value,
}

/// Something that happened, as it was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Its number. Whoever has seen a number has been able to see every lower one.
    pub id: i64,
    /// In which run, if in one.
    pub run: Option<String>,
    /// In which domain.
    pub domain: DomainName,
    /// When.
    pub at: Timestamp,
    /// What: `run.started`, `table.written`.
    pub name: String,
    /// How much it matters.
    pub level: EventLevel,
    /// The details.
    pub payload: Value,
}

/// Which events to list.
#[derive(Debug, Clone, PartialEq)]
pub struct EventFilter {
    /// Only those of this run.
    pub run: Option<String>,
    /// Only those of this domain.
    pub domain: Option<DomainName>,
    /// Only those with a higher number, which is the last one seen; 0 starts at the first.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
}

macro_rules! select_events {
    ($rest:literal) => {
        concat!("select id, run, domain, at, name, level, payload from events where id > $1 ", $rest, " order by id limit $2")
    };
}

const ALL: &str = select_events!("");
const OF_RUN: &str = select_events!("and run = $3");
const OF_DOMAIN: &str = select_events!("and domain = $3");
const OF_BOTH: &str = select_events!("and run = $3 and domain = $4");

/// Holds the counter until the transaction ends, see the schema.
const TAKE_NUMBERS: &str = "update event_counter set last_id = last_id + $1 returning last_id";

const INSERT: &str = "insert into events (id, run, domain, at, name, level, payload) values ($1, $2, $3, $4, $5, $6, $7)";

impl Metadata {
    /// Appends all of `events` or none. Gives their numbers, in the same order.
    pub async fn append_events(&self, events: &[NewEvent]) -> Result<Vec<i64>, MetadataError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let failed = || failed("append", "events");
        let mut transaction = self.begin().await.map_err(failed())?;
        let added = count(events.len() as u64);
        let row = sqlx::query(TAKE_NUMBERS).bind(added).fetch_one(&mut *transaction).await.map_err(failed())?;
        let last = Record { table: "event_counter", row: &row }.number("last_id")?;
        let numbers: Vec<i64> = (last - added + 1..=last).collect();
        for (event, number) in events.iter().zip(&numbers) {
            let insert = sqlx::query(INSERT)
                .bind(*number)
                .bind(event.run.as_deref())
                .bind(event.domain.as_str())
                .bind(instant(event.at))
                .bind(&event.name)
                .bind(event.level.as_str())
                .bind(json(&event.payload));
            match (insert.execute(&mut *transaction).await, &event.run) {
                (Ok(_), _) => {}
                (Err(sqlx::Error::Database(error)), Some(run)) if error.is_foreign_key_violation() => {
                    return Err(MetadataError::UnknownRun(run.clone()));
                }
                (Err(source), _) => return Err(failed()(source)),
            }
        }
        transaction.commit().await.map_err(failed())?;
        Ok(numbers)
    }

    /// Events, by number.
    pub async fn events(&self, filter: &EventFilter) -> Result<Vec<EventRecord>, MetadataError> {
        let text = match (&filter.run, &filter.domain) {
            (None, None) => ALL,
            (Some(_), None) => OF_RUN,
            (None, Some(_)) => OF_DOMAIN,
            (Some(_), Some(_)) => OF_BOTH,
        };
        let mut query = sqlx::query(text).bind(filter.after).bind(i64::from(filter.limit));
        if let Some(run) = &filter.run {
            query = query.bind(run);
        }
        if let Some(domain) = &filter.domain {
            query = query.bind(domain.as_str());
        }
        let rows = query.fetch_all(&self.reader).await.map_err(failed("list", "events"))?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<EventRecord, MetadataError> {
    let record = Record { table: "events", row };
    Ok(EventRecord {
        id: record.number("id")?,
        run: record.optional_text("run")?,
        domain: record.word("domain")?,
        at: record.instant("at")?,
        name: record.text("name")?,
        level: record.word("level")?,
        payload: record.json("payload")?,
    })
}
