//! The dates of a source's table in a database, all seen as they were when the run began.

use std::{
    io::{self, Read},
    ops::RangeInclusive,
    sync::Arc,
};

use bytes::Bytes;
use futures::StreamExt as _;
use jiff::civil::Date;
use lakehouse_postgres::{PostgresError, Snapshot, SourceTable};
use lakehouse_spec::SourceContract;
use tokio::sync::{
    Mutex,
    mpsc::{Receiver, Sender, channel},
};

use super::{
    content::{Content, Origin},
    stage::SourceJob,
};

/// Buffers that may wait between the database and the reader.
const CHANNEL_DEPTH: usize = 16;

/// An open view of the table.
#[derive(Clone)]
pub(crate) struct Days {
    snapshot: Arc<Mutex<Snapshot>>,
    table: String,
    again: Option<RangeInclusive<Date>>,
}

impl std::fmt::Debug for Days {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Days").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Days {
    /// Opens the table of a source; `None` when there is no database, or the source is not in one.
    pub(crate) async fn open(job: &SourceJob) -> Result<Option<Self>, PostgresError> {
        let (Some(database), Some(spec)) = (&job.database, &job.contract.database) else { return Ok(None) };
        let source = SourceTable { contract: job.contract.clone(), spec: spec.clone() };
        let snapshot = Snapshot::open(database, source).await?;
        let (snapshot, table) = (Arc::new(Mutex::new(snapshot)), spec.table.to_string());
        Ok(Some(Self { snapshot, table, again: job.again.clone() }))
    }

    /// A content per date, in order.
    pub(crate) async fn contents(&self) -> Result<Vec<Content>, PostgresError> {
        let dates = self.snapshot.lock().await.dates().await?;
        Ok(dates.into_iter().map(|date| Content { name: format!("{}/{date}", self.table), origin: Origin::Day(date) }).collect())
    }

    /// Dates that are to be read again, have landed, and have no row any more: what has landed of them goes.
    pub(crate) fn emptied<'a>(&self, landed: impl Iterator<Item = &'a String>, contents: &[Content]) -> Vec<Content> {
        let is_gone = |name: &&String| !contents.iter().any(|content| content.name == **name);
        let day = |name: &String| {
            let date: Date = name.strip_prefix(&self.table)?.strip_prefix('/')?.parse().ok()?;
            self.is_read_again(date).then(|| Content { name: name.clone(), origin: Origin::Day(date) })
        };
        landed.filter(is_gone).filter_map(day).collect()
    }

    /// How rows are written when they come from here.
    pub(crate) async fn contract(&self) -> SourceContract {
        self.snapshot.lock().await.contract()
    }

    /// Is a date read although it has landed?
    pub(crate) fn is_read_again(&self, date: Date) -> bool {
        self.again.as_ref().is_some_and(|dates| dates.contains(&date))
    }

    /// The rows of a date, from the database as fast as they are read.
    pub(crate) fn read(&self, date: Date) -> DayReader {
        let (sender, buffers) = channel(CHANNEL_DEPTH);
        tokio::spawn(pump(self.snapshot.clone(), date, sender));
        DayReader { buffers, present: Bytes::new(), is_at_end: false }
    }
}

/// Ends when all is sent or nobody reads.
async fn pump(snapshot: Arc<Mutex<Snapshot>>, date: Date, sender: Sender<Result<Bytes, PostgresError>>) {
    let mut snapshot = snapshot.lock().await;
    let mut rows = match snapshot.rows(date).await {
        Ok(rows) => rows,
        // Whoever has stopped reading needs no reason.
        Err(error) => return drop(sender.send(Err(error)).await),
    };
    while let Some(buffer) = rows.next().await {
        if sender.send(buffer).await.is_err() {
            return;
        }
    }
    // An end that is told apart from one that came too early.
    let _ = sender.send(Ok(Bytes::new())).await;
}

/// Rows as they arrive. For a blocking thread.
pub(crate) struct DayReader {
    buffers: Receiver<Result<Bytes, PostgresError>>,
    present: Bytes,
    is_at_end: bool,
}

impl Read for DayReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.present.is_empty() && !self.is_at_end {
            self.present = match self.buffers.blocking_recv() {
                Some(Ok(buffer)) => buffer,
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            };
            self.is_at_end = self.present.is_empty();
        }
        let length = into.len().min(self.present.len());
        into[..length].copy_from_slice(&self.present.split_to(length));
        Ok(length)
    }
}
