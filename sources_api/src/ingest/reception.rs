//! Receiving a push: reading off the reactor, and no more than a few buffers of it in memory.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use lakehouse_landing::{LandingError, Push, PushKey, PushRows, Pushed, Receipt};
use sha2::{Digest, Sha256};
use tokio::{task::spawn_blocking, time::timeout};

use super::{BodyFault, Door, PushFormat, Reader};

/// Bytes that are read at once: enough that the hop to another thread does not count.
const PIECE_BYTES: usize = 1 << 18;

/// Why a push was not received. Nothing of it counts.
#[derive(Debug, thiserror::Error)]
pub enum PushError<E> {
    #[error("the body has more than {0} bytes")]
    TooLarge(u64),
    #[error("no byte came for {0:?}")]
    Silent(Duration),
    #[error("the body broke off")]
    Body(#[source] E),
    #[error("the key was used before, for another body")]
    OtherBody,
    #[error(transparent)]
    Fault(#[from] BodyFault),
    #[error("reading stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

impl<E> From<LandingError> for PushError<E> {
    fn from(error: LandingError) -> Self {
        Self::Fault(error.into())
    }
}

/// What a push may cost.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub max_bytes: u64,
    /// How long the client may be silent.
    pub patience: Duration,
}

/// Receives `body`. With a key that was used before, the first answer is repeated and nothing is added.
pub async fn receive<E>(
    door: &Door,
    key: Option<&str>,
    format: PushFormat,
    terms: Terms,
    body: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Pushed, PushError<E>> {
    let mut body = Pieces { body: std::pin::pin!(body), terms, received: 0 };
    let key = key.map_or_else(PushKey::unique, PushKey::of);
    if let Some(receipt) = door.inbox.receipt(&key).await? {
        return repeated(receipt, &mut body).await;
    }
    let mut push = door.inbox.push(key);
    match read_all(door, format, &mut push, &mut body).await {
        Ok(reading) => {
            let sha256 = hex::encode(reading.hasher.finalize());
            match push.finish(reading.rows, sha256.clone()).await? {
                Pushed::Before(receipt) if receipt.sha256 != sha256 => Err(PushError::OtherBody),
                pushed => Ok(pushed),
            }
        }
        Err(error) => {
            push.abandon().await;
            Err(error)
        }
    }
}

/// Reads a body only to see that it is the one that was answered.
async fn repeated<E>(
    receipt: Receipt,
    body: &mut Pieces<impl Stream<Item = Result<Bytes, E>> + Unpin>,
) -> Result<Pushed, PushError<E>> {
    let mut hasher = Sha256::new();
    while let Some(piece) = body.next().await? {
        hasher = spawn_blocking(move || hasher.chain_update(piece)).await?;
    }
    if hex::encode(hasher.finalize()) == receipt.sha256 { Ok(Pushed::Before(receipt)) } else { Err(PushError::OtherBody) }
}

/// What reading has come to.
struct Reading {
    reader: Box<dyn Reader>,
    rows: PushRows,
    hasher: Sha256,
}

impl Reading {
    fn take(mut self, piece: &[u8]) -> Result<Self, BodyFault> {
        self.hasher.update(piece);
        self.reader.take(piece, &mut self.rows)?;
        Ok(self)
    }

    fn end(mut self) -> Result<Self, BodyFault> {
        self.reader.end(&mut self.rows)?;
        Ok(self)
    }
}

async fn read_all<E>(
    door: &Door,
    format: PushFormat,
    push: &mut Push,
    body: &mut Pieces<impl Stream<Item = Result<Bytes, E>> + Unpin>,
) -> Result<Reading, PushError<E>> {
    let rows = PushRows::new(door.contract.clone())?;
    let mut reading = Reading { reader: format.reader(), rows, hasher: Sha256::new() };
    while let Some(piece) = body.next().await? {
        reading = spawn_blocking(move || reading.take(&piece)).await??;
        if let Some(bytes) = reading.rows.ready_bytes() {
            push.put(bytes).await?;
        }
    }
    Ok(spawn_blocking(move || reading.end()).await??)
}

/// A body in pieces of a good size, as long as its client keeps to the terms.
struct Pieces<S> {
    body: S,
    terms: Terms,
    received: u64,
}

impl<E, S: Stream<Item = Result<Bytes, E>> + Unpin> Pieces<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, PushError<E>> {
        let Terms { max_bytes, patience } = self.terms;
        let mut piece = BytesMut::new();
        while piece.len() < PIECE_BYTES {
            let Some(chunk) = timeout(patience, self.body.next()).await.map_err(|_| PushError::Silent(patience))? else { break };
            let chunk = chunk.map_err(PushError::Body)?;
            self.received += chunk.len() as u64;
            if self.received > max_bytes {
                return Err(PushError::TooLarge(max_bytes));
            }
            piece.extend_from_slice(&chunk);
        }
        Ok((!piece.is_empty()).then(|| piece.freeze()))
    }
}
