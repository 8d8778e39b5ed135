//! Leases: at most one holder at a time, for a limited time, and a number that tells a later holder from an earlier one.
//!
//! A lease says who may start; the fence says who may still commit. A holder that was paused past its expiry does not know
//! that somebody else runs now, so it calls [`Metadata::check`] before every commit, and marks what it writes with its fence.
//! All times are of the database's clock: a holder renews after a third of the time it asked for and does not compare
//! `expires_at` with its own clock.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::AnyRow;

use crate::{Metadata, MetadataError, metadata::failed, record::Record, value::span};

/// A lease that was held when the database said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is leased: `run/fraud`.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Which holding this is, counted from 1; no other has the same number.
    pub fence: i64,
    /// When it ends unless it is renewed, by the database's clock.
    pub expires_at: Timestamp,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only a lease that is held allows anything"]
pub enum LeaseOutcome {
    /// It is the caller's.
    Held(Lease),
    /// It is somebody else's, as it is described.
    Busy(Lease),
}

/// How a lease that was held stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only a lease that is still held allows anything"]
pub enum LeaseState {
    /// It is still the caller's.
    Held(Lease),
    /// Its time is over and nobody has taken it: renewing may get it back, committing may collide.
    Expired,
    /// It was released, or taken by somebody else after its time was over. It does not come back.
    Lost {
        /// Who holds it; `None` when nobody does.
        holder: Option<String>,
        /// The fence of the latest holding.
        fence: i64,
    },
}

const ACQUIRE: &str = "insert into leases (name, holder, fence, expires_at)
    values ($1, $2, 1, (select now_us from clock) + $3)
    on conflict (name) do update set
        holder = excluded.holder, fence = leases.fence + 1, expires_at = excluded.expires_at
    where leases.expires_at <= (select now_us from clock)
    returning name, holder, fence, expires_at";

const RENEW: &str = "update leases set expires_at = (select now_us from clock) + $1
    where name = $2 and holder = $3 and fence = $4
    returning name, holder, fence, expires_at";

const RELEASE: &str = "update leases set holder = null, expires_at = 0 where name = $1 and holder = $2 and fence = $3";

const LOOK: &str = "select name, holder, fence, expires_at, (select now_us from clock) as now_us from leases where name = $1";

impl Metadata {
    /// Takes the lease `name` for `holder` if it is free or its time is over. `holder` names one process, not one host: a
    /// holder that asks again while it holds is told that it is busy.
    pub async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<LeaseOutcome, MetadataError> {
        self.acquire_unless(name, holder, ttl, |_| false).await
    }

    /// Like [`Metadata::acquire`]; but a file of SQLite has no clock of its own, and that of whoever asks may be wrong or have
    /// been set, so there a holder of whom `is_alive` is certain keeps the lease.
    pub async fn acquire_unless(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        is_alive: impl Fn(&str) -> bool,
    ) -> Result<LeaseOutcome, MetadataError> {
        let failed = || failed("acquire lease", name);
        let mut transaction = self.begin().await.map_err(failed())?;
        if !self.backend.has_clock {
            let look = sqlx::query(LOOK).bind(name).fetch_optional(&mut *transaction).await.map_err(failed())?;
            if let Some(row) = look
                && let Some(other) = (Record { table: "leases", row: &row }).optional_text("holder")?
                && other != holder
                && is_alive(&other)
            {
                return Ok(LeaseOutcome::Busy(read(&row)?));
            }
        }
        let take = sqlx::query(ACQUIRE).bind(name).bind(holder).bind(span(ttl));
        let taken = take.fetch_optional(&mut *transaction).await.map_err(failed())?;
        let outcome = match taken {
            Some(row) => LeaseOutcome::Held(read(&row)?),
            // The row is locked since it was found taken, so this is the state it was found in.
            None => {
                let row = sqlx::query(LOOK).bind(name).fetch_one(&mut *transaction).await.map_err(failed())?;
                LeaseOutcome::Busy(read(&row)?)
            }
        };
        transaction.commit().await.map_err(failed())?;
        Ok(outcome)
    }

    /// Extends a lease to `ttl` from now, also one whose time is over as long as nobody has taken it.
    pub async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<LeaseState, MetadataError> {
        let renew = sqlx::query(RENEW).bind(span(ttl)).bind(&lease.name).bind(&lease.holder).bind(lease.fence);
        let row = renew.fetch_optional(&self.writer).await.map_err(failed("renew lease", &lease.name))?;
        match row {
            Some(row) => Ok(LeaseState::Held(read(&row)?)),
            None => self.check(lease).await,
        }
    }

    /// How a lease stands, for the instant before a commit.
    pub async fn check(&self, lease: &Lease) -> Result<LeaseState, MetadataError> {
        let look = sqlx::query(LOOK).bind(&lease.name);
        let row = look.fetch_optional(&self.reader).await.map_err(failed("check lease", &lease.name))?;
        let Some(row) = row else { return Ok(LeaseState::Lost { holder: None, fence: 0 }) };
        let record = Record { table: "leases", row: &row };
        let (holder, fence) = (record.optional_text("holder")?, record.number("fence")?);
        if holder.as_ref() != Some(&lease.holder) || fence != lease.fence {
            return Ok(LeaseState::Lost { holder, fence });
        }
        if record.number("expires_at")? <= record.number("now_us")? {
            return Ok(LeaseState::Expired);
        }
        Ok(LeaseState::Held(read(&row)?))
    }

    /// Gives a lease back. `false`: it was not the caller's any more, and nothing has changed.
    pub async fn release(&self, lease: &Lease) -> Result<bool, MetadataError> {
        let release = sqlx::query(RELEASE).bind(&lease.name).bind(&lease.holder).bind(lease.fence);
        let done = release.execute(&self.writer).await.map_err(failed("release lease", &lease.name))?;
        Ok(done.rows_affected() > 0)
    }
}

fn read(row: &AnyRow) -> Result<Lease, MetadataError> {
    let record = Record { table: "leases", row };
    Ok(Lease {
        name: record.text("name")?,
        holder: record.text("holder")?,
        fence: record.number("fence")?,
        expires_at: record.instant("expires_at")?,
    })
}
