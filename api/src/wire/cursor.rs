//! A query that runs for a client, and how far its rows have been sent.

use bytes::{Buf as _, Bytes};
use lakehouse_service::{Pass, Problem};
use lakehouse_wire::RowWriter;
use tokio_util::sync::CancellationToken;

use super::{
    fault::{Fault, Stop},
    link::Link,
};
use crate::{
    query::stopped,
    sql::{Piece, Streamed},
};

/// What a query is called in the audit trail and in metrics.
pub(super) const QUERY: &str = "QUERY";

/// A query under way.
pub(super) struct Cursor {
    rows: Streamed,
    writer: RowWriter,
    /// Messages that came together and are not sent yet.
    left: Bytes,
    is_complete: bool,
    ledger: Ledger,
}

/// Who asked what; told when it ends, whichever way.
pub(super) struct Ledger(Option<(Pass, String)>);

impl Ledger {
    pub(super) fn new(pass: Pass, sql: String) -> Self {
        Self(Some((pass, sql)))
    }

    /// Tells how it ended; only the first end counts.
    pub(super) fn close(&mut self, outcome: Result<(), &Problem>) {
        if let Some((pass, sql)) = self.0.take() {
            pass.tell(QUERY, sql, outcome);
        }
    }
}

impl Drop for Ledger {
    /// The client wanted no more, or is gone.
    fn drop(&mut self) {
        self.close(Ok(()));
    }
}

/// Waits for `work`, unless the client stops it or goes away.
pub(super) async fn attended<T>(
    link: &mut Link,
    token: &CancellationToken,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<Result<T, Problem>, Stop> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = token.cancelled() => Ok(Err(stopped())),
        () = link.gone() => Err(Stop::Gone),
    }
}

impl Cursor {
    pub(super) fn new(rows: Streamed, writer: RowWriter, ledger: Ledger) -> Self {
        Self { rows, writer, left: Bytes::new(), is_complete: false, ledger }
    }

    pub(super) fn writer(&self) -> &RowWriter {
        &self.writer
    }

    /// Sends up to `most` rows, or all with 0: how many, and whether the last one is among them.
    pub(super) async fn send(&mut self, link: &mut Link, token: &CancellationToken, most: u32) -> Result<(u64, bool), Stop> {
        let most = if most == 0 { u64::MAX } else { most.into() };
        let mut sent = 0;
        loop {
            sent += self.hand_over(link, most - sent);
            link.flush_much().await?;
            if !self.left.is_empty() {
                return Ok((sent, false));
            }
            if self.is_complete {
                self.ledger.close(Ok(()));
                return Ok((sent, true));
            }
            match attended(link, token, self.rows.next()).await? {
                Ok(Piece::Bytes(bytes)) => self.left = bytes,
                Ok(Piece::End { truncated: false }) => self.is_complete = true,
                Ok(Piece::End { truncated: true }) => {
                    self.is_complete = true;
                    let fault = "the query has more rows than one answer may have; ask for less";
                    return Err(Fault::new("54000", fault).into());
                }
                Err(problem) => {
                    self.ledger.close(Err(&problem));
                    return Err(problem.into());
                }
            }
        }
    }

    /// Takes whole messages of what is left; each is a row, but for the head and the end of a file, which are not counted by anybody.
    fn hand_over(&mut self, link: &mut Link, most: u64) -> u64 {
        let (mut rows, mut end) = (0, 0);
        while rows < most
            && let Some(length) = self.left.get(end + 1..end + 5)
        {
            end += 1 + length.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
            rows += 1;
        }
        let end = end.min(self.left.len());
        link.out.extend_from_slice(&self.left[..end]);
        self.left.advance(end);
        rows
    }
}
