//! Receiving rows: as they come, to the store, and counting only when the receipt is there.

use bytes::Bytes;
use jiff::Timestamp;

use crate::{Inbox, LandingError, PushKey, PushRows, Receipt, RefusedRow, objects::Upload};

/// A push under way.
pub struct Push {
    inbox: Inbox,
    key: PushKey,
    name: String,
    upload: Upload,
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
    pub(crate) fn start(inbox: Inbox, key: PushKey) -> Self {
        let name = key.name_rows();
        let upload = inbox.objects.upload(inbox.rows().join(name.as_str()));
        Self { inbox, key, name, upload }
    }

    /// Hands [bytes of its rows](PushRows::ready_bytes) to the store.
    pub async fn put(&mut self, bytes: Bytes) -> Result<(), LandingError> {
        self.upload.put(bytes).await
    }

    /// Makes the push count, once. Returned, it is durable. `sha256` is that of the whole body.
    pub async fn finish(self, mut rows: PushRows, sha256: String) -> Result<Pushed, LandingError> {
        let Self { inbox, key, name, mut upload } = self;
        let PushRows { accepted, refused, .. } = rows;
        if accepted == 0 {
            upload.abandon().await;
            return Ok(Pushed::Nothing { refused, refused_rows: rows.refused_rows });
        }
        upload.put(rows.last_bytes().map_err(LandingError::Compress)?).await?;
        let path = upload.finish().await?;
        let receipt = Receipt {
            received_at: Timestamp::now(),
            sha256,
            accepted,
            refused,
            refused_rows: rows.refused_rows,
            rows: name.clone(),
        };
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
