//! Sessions: a login and every refresh after it. A refresh token that comes a second time was copied: the session ends.

use jiff::Timestamp;
use lakehouse_spec::UserName;
use sqlx::any::AnyRow;

use crate::{Metadata, MetadataError, NewAudit, SessionEnd, audit, metadata::failed, record::Record, value::instant};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub owner: UserName,
    /// How often it was refreshed.
    pub generation: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub ended_by: Option<SessionEnd>,
}

/// What came of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "only a session that was rotated goes on"]
pub enum Rotation {
    /// The session is in its next generation.
    Rotated,
    /// The token was used before; the session has been ended for it.
    Reused,
    /// The session is over, or never was.
    Over,
}

const INSERT: &str = "insert into sessions (id, owner, generation, started_at, expires_at) values ($1, $2, 0, $3, $4)";
const ONE: &str = "select id, owner, generation, started_at, expires_at, ended_at, ended_by from sessions where id = $1";
const ROTATE: &str = "update sessions set generation = generation + 1
    where id = $1 and generation = $2 and ended_at is null and expires_at > $3";
const END: &str = "update sessions set ended_at = $1, ended_by = $2 where id = $3 and ended_at is null";
/// Only a token of an earlier generation was used before.
const END_REUSED: &str = "update sessions set ended_at = $1, ended_by = $2
    where id = $3 and generation > $4 and ended_at is null and expires_at > $1";
pub(crate) const END_OF_OWNER: &str =
    "update sessions set ended_at = $1, ended_by = $2 where owner = $3 and ended_at is null and expires_at > $1";
const FORGET: &str = "delete from sessions where expires_at < $1";

impl Metadata {
    /// Begins a session in generation 0.
    pub async fn start_session(
        &self,
        id: &str,
        owner: &UserName,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), MetadataError> {
        let insert = sqlx::query(INSERT).bind(id).bind(owner.as_str()).bind(instant(at)).bind(instant(expires_at));
        match insert.execute(&self.writer).await {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                Err(MetadataError::UnknownUser(owner.to_string()))
            }
            Err(source) => Err(failed("begin the session of", owner)(source)),
        }
    }

    /// A session.
    pub async fn session(&self, id: &str) -> Result<Option<SessionRecord>, MetadataError> {
        let row = sqlx::query(ONE).bind(id).fetch_optional(&self.reader).await.map_err(failed("read session", id))?;
        row.as_ref().map(read).transpose()
    }

    /// Takes a session from `generation` to the next. Of many who ask with the same one, one succeeds and ends nothing; the
    /// others end the session. `entry` is recorded if so.
    pub async fn rotate_session(&self, id: &str, generation: u64, entry: &NewAudit) -> Result<Rotation, MetadataError> {
        let failed = || failed("refresh session", id);
        let (at, generation) = (instant(entry.at), crate::value::count(generation));
        let mut transaction = self.begin().await.map_err(failed())?;
        let rotate = sqlx::query(ROTATE).bind(id).bind(generation).bind(at);
        let rotated = rotate.execute(&mut *transaction).await.map_err(failed())?;
        if rotated.rows_affected() > 0 {
            transaction.commit().await.map_err(failed())?;
            return Ok(Rotation::Rotated);
        }
        let end = sqlx::query(END_REUSED).bind(at).bind(SessionEnd::Reuse.as_str()).bind(id).bind(generation);
        let ended = end.execute(&mut *transaction).await.map_err(failed())?;
        if ended.rows_affected() == 0 {
            return Ok(Rotation::Over);
        }
        audit::append(&mut transaction, std::slice::from_ref(entry)).await?;
        transaction.commit().await.map_err(failed())?;
        Ok(Rotation::Reused)
    }

    /// Ends a session; one that is over stays as it is.
    pub async fn end_session(&self, id: &str, by: SessionEnd, at: Timestamp) -> Result<(), MetadataError> {
        let end = sqlx::query(END).bind(instant(at)).bind(by.as_str()).bind(id);
        end.execute(&self.writer).await.map(drop).map_err(failed("end session", id))
    }

    /// Removes sessions that would have ended by themselves before `before`. Tells how many.
    pub async fn forget_sessions(&self, before: Timestamp) -> Result<u64, MetadataError> {
        let delete = sqlx::query(FORGET).bind(instant(before));
        delete.execute(&self.writer).await.map(|done| done.rows_affected()).map_err(failed("forget", "sessions"))
    }
}

fn read(row: &AnyRow) -> Result<SessionRecord, MetadataError> {
    let record = Record { table: "sessions", row };
    let ended_by = record.optional_text("ended_by")?;
    Ok(SessionRecord {
        id: record.text("id")?,
        owner: record.word("owner")?,
        generation: record.count("generation")?,
        started_at: record.instant("started_at")?,
        expires_at: record.instant("expires_at")?,
        ended_at: record.optional_instant("ended_at")?,
        ended_by: if ended_by.is_some() { Some(record.word("ended_by")?) } else { None },
    })
}
