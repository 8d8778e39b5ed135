//! API keys: of a key only its digest is known here.

use jiff::Timestamp;
use lakehouse_spec::UserName;
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::{Metadata, MetadataError, NewAudit, audit, metadata::failed, record::Record, value::instant};

/// A key that somebody gets.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The part of it that may be shown.
    pub id: String,
    /// Whose it is.
    pub owner: UserName,
    /// What it is for.
    pub label: String,
    /// The digest of the part that may not.
    pub digest: String,
    /// What it allows, within what its owner may: space-joined words.
    pub scopes: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A key. Serialized without its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyRecord {
    /// The part of it that may be shown.
    pub id: String,
    /// Whose it is.
    pub owner: UserName,
    /// What it is for.
    pub label: String,
    /// The digest of the part that may not be shown.
    #[serde(skip)]
    pub digest: String,
    /// What it allows: space-joined words.
    pub scopes: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

macro_rules! select_keys {
    ($rest:literal) => {
        concat!("select id, owner, label, digest, scopes, created_at, expires_at, revoked_at, last_used_at from api_keys ", $rest)
    };
}

const ONE: &str = select_keys!("where id = $1");
const ALL: &str = select_keys!("order by owner, created_at, id");
const INSERT: &str = "insert into api_keys (id, owner, label, digest, scopes, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7)";
const REVOKE: &str = "update api_keys set revoked_at = $1 where id = $2 and revoked_at is null";
/// Never back: of two services that use a key, one may be late to say so.
const USED: &str = "update api_keys set last_used_at = $1 where id = $2 and (last_used_at is null or last_used_at < $1)";

impl Metadata {
    /// Adds a key.
    pub async fn add_key(&self, key: &NewKey, entry: &NewAudit) -> Result<(), MetadataError> {
        let failed = || failed("add key", &key.id);
        let mut transaction = self.begin().await.map_err(failed())?;
        let insert = sqlx::query(INSERT)
            .bind(&key.id)
            .bind(key.owner.as_str())
            .bind(&key.label)
            .bind(&key.digest)
            .bind(&key.scopes)
            .bind(instant(key.created_at))
            .bind(instant(key.expires_at));
        match insert.execute(&mut *transaction).await {
            Ok(_) => {}
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                return Err(MetadataError::UnknownUser(key.owner.to_string()));
            }
            Err(source) => return Err(failed()(source)),
        }
        audit::append(&mut transaction, std::slice::from_ref(entry)).await?;
        transaction.commit().await.map_err(failed())
    }

    /// A key.
    pub async fn key(&self, id: &str) -> Result<Option<KeyRecord>, MetadataError> {
        let row = sqlx::query(ONE).bind(id).fetch_optional(&self.reader).await.map_err(failed("read key", id))?;
        row.as_ref().map(read).transpose()
    }

    /// All keys, by owner and age.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, MetadataError> {
        let rows = sqlx::query(ALL).fetch_all(&self.reader).await.map_err(failed("list", "keys"))?;
        rows.iter().map(read).collect()
    }

    /// Revokes a key, for good.
    pub async fn revoke_key(&self, id: &str, entry: &NewAudit) -> Result<(), MetadataError> {
        let failed = || failed("revoke key", id);
        let mut transaction = self.begin().await.map_err(failed())?;
        let update = sqlx::query(REVOKE).bind(instant(entry.at)).bind(id);
        let done = update.execute(&mut *transaction).await.map_err(failed())?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::UnknownKey(id.to_owned()));
        }
        audit::append(&mut transaction, std::slice::from_ref(entry)).await?;
        transaction.commit().await.map_err(failed())
    }

    /// Notes that a key was used.
    pub async fn key_was_used(&self, id: &str, at: Timestamp) -> Result<(), MetadataError> {
        let update = sqlx::query(USED).bind(instant(at)).bind(id);
        update.execute(&self.writer).await.map(drop).map_err(failed("note the use of key", id))
    }
}

fn read(row: &AnyRow) -> Result<KeyRecord, MetadataError> {
    let record = Record { table: "api_keys", row };
    Ok(KeyRecord {
        id: record.text("id")?,
        owner: record.word("owner")?,
        label: record.text("label")?,
        digest: record.text("digest")?,
        scopes: record.text("scopes")?,
        created_at: record.instant("created_at")?,
        expires_at: record.instant("expires_at")?,
        revoked_at: record.optional_instant("revoked_at")?,
        last_used_at: record.optional_instant("last_used_at")?,
    })
}
