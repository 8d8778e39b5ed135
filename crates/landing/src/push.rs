//! Receiving rows: as they come, to the store, and counting only when the receipt is there.

use std::io::Write as _;

use jiff::Timestamp;
use zstd::stream::write::Encoder;

use crate::{Inbox, LandingError, PushKey, Receipt, RefusedRow, objects::Upload};

/// Compressed bytes that are handed to the store at once.
const BUFFER_BYTES: usize = 1 << 18;
/// Refused rows that a receipt lists; all of them are counted.
const LISTED_ROWS: usize = 100;
/// zstd's fastest level with a ratio worth having.
const COMPRESSION_LEVEL: i32 = 1;

/// A push under way.
pub struct Push {
    inbox: Inbox,
    key: PushKey,
    name: String,
    upload: Upload,
    encoder: Encoder<'static, Vec<u8>>,
    accepted: u64,
    refused: u64,
    refused_rows: Vec<RefusedRow>,
}

/// How a push ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// Its rows wait for the next run.
    Accepted(Receipt),
    /// The key had been used: this is what was answered then, and nothing was added.
    Before(Receipt),
    /// No row kept the contract: nothing was added.
    Nothing {
        /// Rows that were refused.
        refused: u64,
        /// The first of them.
        refused_rows: Vec<RefusedRow>,
    },
}

impl Push {
    pub(crate) fn start(inbox: Inbox, key: PushKey) -> Result<Self, LandingError> {
        let name = key.name_rows();
        let upload = inbox.objects.upload(inbox.rows().join(name.as_str()));
        let encoder = Encoder::new(Vec::new(), COMPRESSION_LEVEL).map_err(LandingError::Compress)?;
        Ok(Self { inbox, key, name, upload, encoder, accepted: 0, refused: 0, refused_rows: Vec::new() })
    }

    /// Adds rows, one line each, as a [`Door`](crate::Door) writes them.
    pub async fn add(&mut self, rows: u64, lines: &[u8]) -> Result<(), LandingError> {
        self.accepted += rows;
        self.encoder.write_all(lines).map_err(LandingError::Compress)?;
        if self.encoder.get_ref().len() >= BUFFER_BYTES {
            let compressed = std::mem::take(self.encoder.get_mut());
            self.upload.put(compressed.into()).await?;
        }
        Ok(())
    }

    /// Counts a refused row.
    pub fn refuse(&mut self, row: u64, reason: String) {
        self.refused += 1;
        if self.refused_rows.len() < LISTED_ROWS {
            self.refused_rows.push(RefusedRow { row, reason });
        }
    }

    /// Makes the push count, once. Returned, it is durable. `sha256` is that of the whole body.
    pub async fn finish(self, sha256: String) -> Result<Pushed, LandingError> {
        let Self { inbox, key, name, mut upload, encoder, accepted, refused, refused_rows } = self;
        if accepted == 0 {
            upload.abandon().await;
            return Ok(Pushed::Nothing { refused, refused_rows });
        }
        upload.put(encoder.finish().map_err(LandingError::Compress)?.into()).await?;
        let path = upload.finish().await?;
        let receipt = Receipt { received_at: Timestamp::now(), sha256, accepted, refused, refused_rows, rows: name.clone() };
        let there = inbox.objects.create(&inbox.receipt_path(&key), receipt).await?;
        if there.rows == name {
            return Ok(Pushed::Accepted(there));
        }
        // Somebody used the key in the meantime. Rows without a receipt never count, so a failure to remove them is no loss.
        if let Err(error) = inbox.objects.remove(&path).await {
            tracing::warn!(%path, %error, "the rows of a repeated push could not be removed");
        }
        Ok(Pushed::Before(there))
    }

    /// Gives up; what was written never counts, and is removed sooner or later.
    pub async fn abandon(self) {
        self.upload.abandon().await;
    }
}
