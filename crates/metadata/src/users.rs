//! Users. Every change is made together with its entry in the audit trail, or not at all.

use jiff::Timestamp;
use lakehouse_spec::{Role, UserName};
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::{
    Metadata, MetadataError, NewAudit, SessionEnd, audit, metadata::failed, record::Record, sessions::END_OF_OWNER,
    value::instant,
};

/// Somebody new.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name; never used twice.
    pub name: UserName,
    /// What the user is.
    pub role: Role,
    /// The hash of the password; none: there is no logging in.
    pub password: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// A user. Serialized without the hash of the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserRecord {
    /// The name.
    pub name: UserName,
    /// What the user is.
    pub role: Role,
    /// The hash of the password.
    #[serde(skip)]
    pub password: Option<String>,
    /// When the user was added.
    pub created_at: Timestamp,
    /// Since when nothing is allowed to the user.
    pub disabled_at: Option<Timestamp>,
}

macro_rules! select_users {
    ($rest:literal) => {
        concat!("select name, role, password, created_at, disabled_at from users ", $rest)
    };
}

const ONE: &str = select_users!("where name = $1");
const ALL: &str = select_users!("order by name");
const INSERT: &str = "insert into users (name, role, password, created_at) values ($1, $2, $3, $4)";
const SET_PASSWORD: &str = "update users set password = $1 where name = $2";
const SET_ROLE: &str = "update users set role = $1 where name = $2";
const DISABLE: &str = "update users set disabled_at = $1 where name = $2 and disabled_at is null";
const ENABLE: &str = "update users set disabled_at = null where name = $1";
const REVOKE_KEYS: &str = "update api_keys set revoked_at = $1 where owner = $2 and revoked_at is null";

impl Metadata {
    /// Adds a user.
    pub async fn add_user(&self, user: &NewUser, entry: &NewAudit) -> Result<(), MetadataError> {
        let failed = || failed("add user", &user.name);
        let mut transaction = self.begin().await.map_err(failed())?;
        let insert = sqlx::query(INSERT)
            .bind(user.name.as_str())
            .bind(user.role.as_str())
            .bind(user.password.as_deref())
            .bind(instant(user.created_at));
        match insert.execute(&mut *transaction).await {
            Ok(_) => {}
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(MetadataError::UserExists(user.name.to_string()));
            }
            Err(source) => return Err(failed()(source)),
        }
        audit::append(&mut transaction, std::slice::from_ref(entry)).await?;
        transaction.commit().await.map_err(failed())
    }

    /// A user.
    pub async fn user(&self, name: &UserName) -> Result<Option<UserRecord>, MetadataError> {
        let row = sqlx::query(ONE).bind(name.as_str()).fetch_optional(&self.reader).await.map_err(failed("read user", name))?;
        row.as_ref().map(read).transpose()
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<UserRecord>, MetadataError> {
        let rows = sqlx::query(ALL).fetch_all(&self.reader).await.map_err(failed("list", "users"))?;
        rows.iter().map(read).collect()
    }

    /// Gives a user another password and ends the sessions that the old one began.
    pub async fn set_password(&self, name: &UserName, password: &str, entry: &NewAudit) -> Result<(), MetadataError> {
        let failed = || failed("set the password of", name);
        let mut transaction = self.begin().await.map_err(failed())?;
        let update = sqlx::query(SET_PASSWORD).bind(password).bind(name.as_str());
        let done = update.execute(&mut *transaction).await.map_err(failed())?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::UnknownUser(name.to_string()));
        }
        let end = sqlx::query(END_OF_OWNER).bind(instant(entry.at)).bind(SessionEnd::Password.as_str()).bind(name.as_str());
        end.execute(&mut *transaction).await.map_err(failed())?;
        audit::append(&mut transaction, std::slice::from_ref(entry)).await?;
        transaction.commit().await.map_err(failed())
    }

    /// Gives a user another role.
    pub async fn set_role(&self, name: &UserName, role: Role, entry: &NewAudit) -> Result<(), MetadataError> {
        let failed = || failed("set the role of", name);
        let mut transaction = self.begin().await.map_err(failed())?;
        let update = sqlx::query(SET_ROLE).bind(role.as_str()).bind(name.as_str());
        let done = update.execute(&mut *transaction).await.map_err(failed())?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::UnknownUser(name.to_string()));
        }
        audit::append(&mut transaction, std::slice::from_ref(entry)).await?;
        transaction.commit().await.map_err(failed())
    }

    /// Disables a user: sessions end and keys are revoked, for good. `false`: the user was disabled before.
    pub async fn disable_user(&self, name: &UserName, entry: &NewAudit) -> Result<bool, MetadataError> {
        let failed = || failed("disable user", name);
        let at = instant(entry.at);
        let mut transaction = self.begin().await.map_err(failed())?;
        let known = sqlx::query(ONE).bind(name.as_str()).fetch_optional(&mut *transaction).await.map_err(failed())?;
        if known.is_none() {
            return Err(MetadataError::UnknownUser(name.to_string()));
        }
        let done = sqlx::query(DISABLE).bind(at).bind(name.as_str()).execute(&mut *transaction).await.map_err(failed())?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let end = sqlx::query(END_OF_OWNER).bind(at).bind(SessionEnd::Disabled.as_str()).bind(name.as_str());
        end.execute(&mut *transaction).await.map_err(failed())?;
        sqlx::query(REVOKE_KEYS).bind(at).bind(name.as_str()).execute(&mut *transaction).await.map_err(failed())?;
        audit::append(&mut transaction, std::slice::from_ref(entry)).await?;
        transaction.commit().await.map_err(failed())?;
        Ok(true)
    }

    /// Lets a user who was disabled log in again; keys and sessions do not come back.
    pub async fn enable_user(&self, name: &UserName, entry: &NewAudit) -> Result<(), MetadataError> {
        let failed = || failed("enable user", name);
        let mut transaction = self.begin().await.map_err(failed())?;
        let done = sqlx::query(ENABLE).bind(name.as_str()).execute(&mut *transaction).await.map_err(failed())?;
        if done.rows_affected() == 0 {
            return Err(MetadataError::UnknownUser(name.to_string()));
        }
        audit::append(&mut transaction, std::slice::from_ref(entry)).await?;
        transaction.commit().await.map_err(failed())
    }
}

fn read(row: &AnyRow) -> Result<UserRecord, MetadataError> {
    let record = Record { table: "users", row };
    Ok(UserRecord {
        name: record.word("name")?,
        role: record.word("role")?,
        password: record.optional_text("password")?,
        created_at: record.instant("created_at")?,
        disabled_at: record.optional_instant("disabled_at")?,
    })
}
