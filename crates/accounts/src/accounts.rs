//! Credentials in, principals out; and the changes that an administrator makes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use lakehouse_metadata::{
    AuditFilter, AuditRecord, KeyRecord, Metadata, MetadataError, NewAudit, NewKey, NewUser, Rotation, SessionEnd, UserRecord,
};
use lakehouse_spec::{Role, UserName};
use tokio::sync::Semaphore;

use crate::{
    AccountsError, ApiKey, PasswordRule, Principal, Refusal, Scopes, SigningKey, password,
    remembered::Remembered,
    token::{Signatures, Use},
};

/// How long an access token is good: what is copied is soon worth nothing.
const ACCESS: SignedDuration = SignedDuration::from_mins(15);
/// How long a session goes on without another login.
const SESSION: SignedDuration = SignedDuration::from_hours(24 * 7);
/// The longest a key is good.
const MOST_KEY_DAYS: i64 = 366;
/// Who tells the audit trail of changes of accounts.
const SERVICE: &str = "accounts";
/// How often it is looked whether another program has changed accounts.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Uses of a key that are nearer to each other are noted once.
const USE_NOTED: SignedDuration = SignedDuration::from_secs(60);
/// Passwords hashed at once: each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 2;

/// Who may ask. Cheap to share; opened once by each program.
pub struct Accounts {
    metadata: Metadata,
    signatures: Signatures,
    remembered: Remembered,
    hashing: Arc<Semaphore>,
    /// When the use of a key was last noted, by id.
    noted: Mutex<HashMap<String, Timestamp>>,
}

/// What a login or a refresh gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// For requests.
    pub access: String,
    /// For the next pair of tokens, once.
    pub refresh: String,
    /// Seconds until the access token ends.
    pub expires_in: i64,
}

/// A key that somebody shall get.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Whose it is.
    pub owner: UserName,
    /// What it is for.
    pub label: String,
    /// What it allows.
    pub scopes: Scopes,
    /// How long it is good.
    pub days: i64,
}

impl Accounts {
    /// How long what the database said of a credential is believed.
    pub const REMEMBERED: Duration = Duration::from_secs(5);

    /// Accounts in `metadata`, with tokens signed by `key`.
    pub fn new(metadata: Metadata, key: &SigningKey) -> Self {
        Self {
            metadata,
            signatures: Signatures::new(key),
            remembered: Remembered::new(Self::REMEMBERED),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            noted: Mutex::default(),
        }
    }

    /// The principal of a credential that was good within [`Self::REMEMBERED`]; asks nobody.
    pub fn remembered(&self, credential: &str) -> Option<Arc<Principal>> {
        self.remembered.get(credential)
    }

    /// The principal of an API key or an access token.
    pub async fn authenticate(&self, credential: &str) -> Result<Arc<Principal>, AccountsError> {
        let epoch = self.remembered.epoch();
        let principal = if ApiKey::is_key(credential) { self.by_key(credential).await } else { self.by_token(credential).await };
        let principal = Arc::new(principal?);
        self.remembered.put(credential, &principal, epoch);
        Ok(principal)
    }

    /// Looks again and again whether another program has changed accounts, for as long as somebody has them: what is taken back is then
    /// forgotten here at once, and not only when it has been believed for [`Self::REMEMBERED`]. Asks nothing while nobody comes.
    pub async fn watch(accounts: Weak<Self>) {
        let mut seen = None;
        while let Some(accounts) = accounts.upgrade() {
            match accounts.look(seen).await {
                Ok(last) => seen = last,
                Err(error) => {
                    tracing::warn!(%error, "failed to look for changes of accounts; what is known is believed a little longer");
                }
            }
            drop(accounts);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Forgets what is remembered if accounts have changed since the entry `seen` of the audit trail. Gives the last entry.
    async fn look(&self, seen: Option<i64>) -> Result<Option<i64>, MetadataError> {
        if self.remembered.is_empty() {
            return Ok(seen);
        }
        let (last, is_changed) = match seen {
            Some(seen) => self.metadata.told_since(seen, SERVICE).await?,
            // What was before the first look is not known.
            None => (self.metadata.last_told().await?, true),
        };
        if is_changed {
            self.remembered.forget();
        }
        Ok(Some(last))
    }

    async fn by_key(&self, credential: &str) -> Result<Principal, AccountsError> {
        let key: ApiKey = credential.parse()?;
        let found = self.metadata.key(key.id().as_str()).await?.ok_or(Refusal::Invalid)?;
        if !key.has_digest(&found.digest) || found.revoked_at.is_some() {
            return Err(Refusal::Invalid.into());
        }
        let now = Timestamp::now();
        if found.expires_at <= now {
            return Err(Refusal::Expired.into());
        }
        let owner = self.enabled(&found.owner).await?;
        self.note_use(&found.id, now).await?;
        let scopes = found.scopes.parse().map_err(|_| Refusal::Invalid)?;
        Ok(Principal::with_key(owner.name.to_string(), owner.role, scopes, found.id))
    }

    async fn by_token(&self, credential: &str) -> Result<Principal, AccountsError> {
        let claims = self.signatures.check(Use::Access, credential)?;
        let session = self.metadata.session(&claims.sid).await?.ok_or(Refusal::Invalid)?;
        if session.ended_at.is_some() || session.owner != claims.sub {
            return Err(Refusal::Invalid.into());
        }
        let owner = self.enabled(&claims.sub).await?;
        Ok(Principal::with_session(owner.name.to_string(), owner.role, claims.sid))
    }

    async fn enabled(&self, name: &UserName) -> Result<UserRecord, AccountsError> {
        let user = self.metadata.user(name).await?.filter(|user| user.disabled_at.is_none());
        Ok(user.ok_or(Refusal::Invalid)?)
    }

    async fn note_use(&self, key: &str, now: Timestamp) -> Result<(), AccountsError> {
        let is_due = {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            let last = noted.entry(key.to_owned()).or_insert(Timestamp::MIN);
            let is_due = *last < now - USE_NOTED;
            if is_due {
                *last = now;
            }
            is_due
        };
        if is_due {
            self.metadata.key_was_used(key, now).await?;
        }
        Ok(())
    }

    /// Begins a session for a name and its password.
    pub async fn login(&self, name: &str, password: String) -> Result<Tokens, AccountsError> {
        // A name that cannot be costs as much time as one that is not there.
        let user = match name.parse::<UserName>() {
            Ok(name) => self.metadata.user(&name).await?.filter(|user| user.disabled_at.is_none()),
            Err(_) => None,
        };
        let hash = user.as_ref().and_then(|user| user.password.clone());
        let is_right = self.slowly(move || password::verify(&password, hash.as_deref())).await?;
        let user = user.filter(|_| is_right).ok_or(Refusal::Login)?;
        let (session, now) = (format!("{:032x}", rand::random::<u128>()), Timestamp::now());
        self.metadata.start_session(&session, &user.name, now, now + SESSION).await?;
        self.tokens(&user.name, &session, 0, now, SESSION)
    }

    /// The next pair of tokens of a session. The refresh token is good once: what comes a second time ends the session, as one of
    /// the two who hold it has stolen it.
    pub async fn refresh(&self, token: &str) -> Result<Tokens, AccountsError> {
        let claims = self.signatures.check(Use::Refresh, token)?;
        let owner = self.enabled(&claims.sub).await?;
        let now = Timestamp::now();
        let entry = NewAudit { outcome: 401, ..change("auth.reuse", &claims.sid, claims.sub.as_str()) };
        match self.metadata.rotate_session(&claims.sid, claims.generation, &entry).await? {
            Rotation::Rotated => {}
            Rotation::Reused => {
                self.remembered.forget_session(&claims.sid);
                tracing::warn!(user = %claims.sub, session = claims.sid, "a refresh token came a second time: its session has ended");
                return Err(Refusal::Reused.into());
            }
            Rotation::Over => return Err(Refusal::Invalid.into()),
        }
        let session = self.metadata.session(&claims.sid).await?.ok_or(Refusal::Invalid)?;
        self.tokens(&owner.name, &claims.sid, claims.generation + 1, now, session.expires_at.duration_since(now))
    }

    /// Ends the session of an access token.
    pub async fn logout(&self, session: &str) -> Result<(), AccountsError> {
        self.metadata.end_session(session, SessionEnd::Logout, Timestamp::now()).await?;
        self.remembered.forget_session(session);
        Ok(())
    }

    fn tokens(
        &self,
        owner: &UserName,
        session: &str,
        generation: u64,
        now: Timestamp,
        left: SignedDuration,
    ) -> Result<Tokens, AccountsError> {
        let lasts = ACCESS.min(left);
        Ok(Tokens {
            access: self.signatures.sign(Use::Access, owner, session, generation, (now, lasts))?,
            refresh: self.signatures.sign(Use::Refresh, owner, session, generation, (now, left))?,
            expires_in: lasts.as_secs(),
        })
    }

    /// Adds a user, with a password or, for programs, without one.
    pub async fn add_user(&self, name: &UserName, role: Role, password: Option<String>, by: &str) -> Result<(), AccountsError> {
        let password = match password {
            Some(password) => Some(self.hashed(name, password).await?),
            None => None,
        };
        let user = NewUser { name: name.clone(), role, password, created_at: Timestamp::now() };
        Ok(self.metadata.add_user(&user, &change("users.add", &format!("{name} as {role}"), by)).await?)
    }

    /// Gives a user another password and ends the user's sessions.
    pub async fn set_password(&self, name: &UserName, password: String, by: &str) -> Result<(), AccountsError> {
        let hash = self.hashed(name, password).await?;
        Ok(self.metadata.set_password(name, &hash, &change("users.password", name.as_str(), by)).await?)
    }

    /// Gives a user another role.
    pub async fn set_role(&self, name: &UserName, role: Role, by: &str) -> Result<(), AccountsError> {
        Ok(self.metadata.set_role(name, role, &change("users.role", &format!("{name} to {role}"), by)).await?)
    }

    /// Disables a user; keys and sessions are gone for good. `false`: the user was disabled before.
    pub async fn disable(&self, name: &UserName, by: &str) -> Result<bool, AccountsError> {
        Ok(self.metadata.disable_user(name, &change("users.disable", name.as_str(), by)).await?)
    }

    /// Lets a disabled user log in again.
    pub async fn enable(&self, name: &UserName, by: &str) -> Result<(), AccountsError> {
        Ok(self.metadata.enable_user(name, &change("users.enable", name.as_str(), by)).await?)
    }

    /// All users.
    pub async fn users(&self) -> Result<Vec<UserRecord>, AccountsError> {
        Ok(self.metadata.users().await?)
    }

    /// Makes a key. It is shown now and never again.
    pub async fn add_key(&self, new: &NewApiKey, by: &str) -> Result<ApiKey, AccountsError> {
        let owner = self.metadata.user(&new.owner).await?.filter(|user| user.disabled_at.is_none());
        let owner = owner.ok_or_else(|| MetadataError::UnknownUser(new.owner.to_string()))?;
        let most = Scopes::of_role(owner.role);
        if new.scopes.are_none() || !new.scopes.are_within(most) {
            let reason = format!("a {} may have keys for {most}", owner.role);
            return Err(AccountsError::Key(reason));
        }
        if !(1..=MOST_KEY_DAYS).contains(&new.days) {
            return Err(AccountsError::Key(format!("it may be good for 1 to {MOST_KEY_DAYS} days")));
        }
        let (key, now) = (ApiKey::random(), Timestamp::now());
        let record = NewKey {
            id: key.id().to_string(),
            owner: new.owner.clone(),
            label: new.label.clone(),
            digest: key.digest(),
            scopes: new.scopes.to_string(),
            created_at: now,
            expires_at: now + SignedDuration::from_hours(24 * new.days),
        };
        let entry = change("keys.add", &format!("{} of {} for {}", key.id(), new.owner, new.scopes), by);
        self.metadata.add_key(&record, &entry).await?;
        Ok(key)
    }

    /// All keys.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, AccountsError> {
        Ok(self.metadata.keys().await?)
    }

    /// Revokes a key.
    pub async fn revoke_key(&self, id: &str, by: &str) -> Result<(), AccountsError> {
        Ok(self.metadata.revoke_key(id, &change("keys.revoke", id, by)).await?)
    }

    /// Entries of the audit trail.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, AccountsError> {
        Ok(self.metadata.audit(filter).await?)
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    async fn hashed(&self, name: &UserName, password: String) -> Result<String, AccountsError> {
        PasswordRule::check(name, &password)?;
        let hash = self.slowly(move || password::hash(&password)).await?;
        hash.ok_or(AccountsError::Failed("hash a password"))
    }

    /// Off the reactor, a few at a time.
    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccountsError> {
        let permit = self.hashing.clone().acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        work.await.map_err(|_| AccountsError::Failed("hash a password"))
    }
}

/// The entry of a change, to be recorded with it.
fn change(action: &str, object: &str, by: &str) -> NewAudit {
    NewAudit {
        at: Timestamp::now(),
        service: SERVICE.to_owned(),
        principal: by.to_owned(),
        action: action.to_owned(),
        object: object.to_owned(),
        outcome: 200,
        times: 1,
        request: None,
    }
}
