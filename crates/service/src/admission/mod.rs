//! Who comes in: asks a request who it is from, whether that one may do this, and not too much of it.
//!
//! Where accounts are not required, a request without a credential is from [`Principal::local`], who may do everything: the
//! settings allow that on loopback addresses only. A credential that is sent is checked in any case.

mod body;
mod client;
mod desk;
mod needs;
mod pace;
mod routes;
mod visitor;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use lakehouse_accounts::{Accounts, AccountsError, Deed, Principal, Refusal, SigningKey, Trail};
use lakehouse_metadata::Metadata;
use lakehouse_settings::{AccountSettings, AddressRanges, DatabaseUrl, Settings};
use tokio::sync::OnceCell;

use crate::{Problem, serve::Peer};

pub(crate) use body::Held;
pub use needs::Permitted;
pub(crate) use needs::{BEARER, Need, Needs};
use pace::{Pace, Paces, Rate, Running};
pub(crate) use routes::routes;
pub use visitor::{Pass, Visitor};

/// Credentials that one address may have looked up: those that are good are looked up every few seconds only.
const LOOKUPS: Rate = Rate { per_second: 50.0, burst: 200 };
/// A head that is longer is no credential of ours.
const MOST_CREDENTIAL_BYTES: usize = 4_096;

/// How a service asks who is calling. One for each service of a process.
pub struct Admission {
    service: &'static str,
    /// None: nobody is asked, nothing is looked up.
    settings: Option<(AccountSettings, DatabaseUrl)>,
    opened: OnceCell<Opened>,
    local: Arc<Principal>,
    paces: Paces,
    lookups: Paces,
    desk: desk::Desk,
}

/// Accounts, from the first time that they are needed.
struct Opened {
    accounts: Arc<Accounts>,
    trail: Arc<Trail>,
}

/// Who was let in. Counted as under way until it is dropped.
#[derive(Clone)]
pub(crate) struct Admitted {
    pub principal: Arc<Principal>,
    running: Option<Arc<Running>>,
}

impl Admitted {
    /// Is it somebody of whom accounts are kept?
    pub fn is_noted(&self) -> bool {
        self.running.is_some()
    }
}

/// What a request is told at the door.
pub(crate) enum Verdict {
    /// Anybody may.
    Free,
    /// This one may.
    Admitted(Admitted),
    /// Nobody, or not this one, or not now.
    Refused(Refused),
    /// The database has to be asked.
    Ask(String),
}

/// Why somebody was not let in, and who, where that is known.
pub(crate) struct Refused {
    pub problem: Problem,
    pub principal: Option<Arc<Principal>>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, principal: None }
    }
}

impl Admission {
    /// As the settings have it. Where accounts are required, the signing key is made now, so that a service that cannot does not
    /// start; the database is asked when somebody comes.
    pub fn new(service: &'static str, settings: &Settings) -> Result<Arc<Self>, AccountsError> {
        if settings.accounts.required {
            SigningKey::open(&settings.accounts.signing_key_file)?;
        }
        let rate = Rate { per_second: f64::from(settings.accounts.requests_per_second), burst: settings.accounts.burst };
        let given = (settings.accounts.clone(), settings.database_url.clone());
        Ok(Self::with(service, Some(given), rate, settings.accounts.requests_at_once))
    }

    /// Nobody is asked: for services that show nothing but their health, and for stories about something else.
    pub fn nobody_asked(service: &'static str) -> Arc<Self> {
        Self::with(service, None, LOOKUPS, u32::MAX)
    }

    fn with(service: &'static str, settings: Option<(AccountSettings, DatabaseUrl)>, rate: Rate, at_once: u32) -> Arc<Self> {
        Arc::new(Self {
            service,
            settings,
            opened: OnceCell::new(),
            local: Arc::new(Principal::local()),
            paces: Paces::new(rate, at_once),
            lookups: Paces::new(LOOKUPS, u32::MAX),
            desk: desk::Desk::new(),
        })
    }

    fn is_required(&self) -> bool {
        self.settings.as_ref().is_some_and(|(accounts, _)| accounts.required)
    }

    async fn open(&self) -> Result<&Opened, Problem> {
        let away = |error: AccountsError| {
            let _logged = Problem::internal(error);
            Problem::unavailable("the accounts cannot be asked now; the log has the cause").with_code("accounts_unavailable")
        };
        let Some((settings, database)) = &self.settings else {
            return Err(Problem::not_found("this service has no accounts"));
        };
        let open = async || {
            let key = SigningKey::open(&settings.signing_key_file)?;
            let metadata = Metadata::open(database.expose()).await?;
            let accounts = Arc::new(Accounts::new(metadata, &key));
            if settings.required && accounts.users().await?.is_empty() {
                tracing::warn!("there is no user yet: make the first with `lakehouse users add NAME --role admin`");
            }
            tokio::spawn(Accounts::watch(Arc::downgrade(&accounts)));
            let trail = Arc::new(Trail::new(self.service, accounts.clone()));
            tokio::spawn(Trail::keep(Arc::downgrade(&trail)));
            TRAILS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&trail));
            Ok(Opened { accounts, trail })
        };
        self.opened.get_or_try_init(open).await.map_err(away)
    }

    /// What can be said without asking anybody.
    pub(crate) fn verdict(&self, need: Need, request: &Request) -> Verdict {
        if need == Need::Nothing {
            return Verdict::Free;
        }
        let credential = match credential(request.headers()) {
            Some(Ok(credential)) => credential,
            Some(Err(problem)) if self.is_required() => return Verdict::Refused(problem.into()),
            None if self.is_required() => {
                let detail = "send `authorization: Bearer` with an API key, or with an access token from /auth/login";
                return Verdict::Refused(Problem::unauthorized(detail).into());
            }
            _ => {
                let admitted = Admitted { principal: self.local.clone(), running: None };
                return if need == Need::Closed { Verdict::Refused(closed().into()) } else { Verdict::Admitted(admitted) };
            }
        };
        let remembered = self.opened.get().and_then(|opened| opened.accounts.remembered(credential));
        match remembered {
            Some(principal) => self.weigh(need, principal).map_or_else(Verdict::Refused, Verdict::Admitted),
            None => Verdict::Ask(credential.to_owned()),
        }
    }

    /// The address that a request comes from.
    pub(crate) fn client(&self, peer: Option<Peer>, headers: &HeaderMap) -> String {
        let trusted = self.settings.as_ref().map(|(accounts, _)| &accounts.trusted_proxies);
        client::client(peer, headers, trusted.unwrap_or(&AddressRanges::default()))
    }

    /// Asks the database, for who is at the address `client`.
    pub(crate) async fn ask(&self, need: Need, credential: &str, client: &str) -> Result<Admitted, Refused> {
        self.pace_lookups(client)?;
        let opened = self.open().await?;
        let principal = opened.accounts.authenticate(credential).await.map_err(refusal)?;
        self.weigh(need, principal)
    }

    fn pace_lookups(&self, client: &str) -> Result<(), Problem> {
        let pace = self.lookups.of(client);
        pace.pass().map_err(|seconds| Problem::too_many_requests("too many credentials were tried from this address", seconds))
    }

    fn weigh(&self, need: Need, principal: Arc<Principal>) -> Result<Admitted, Refused> {
        match self.running(need, &principal) {
            Ok(running) => Ok(Admitted { principal, running: Some(Arc::new(running)) }),
            Err(problem) => Err(Refused { problem, principal: Some(principal) }),
        }
    }

    /// May this one do it, and not too much of it?
    fn running(&self, need: Need, principal: &Principal) -> Result<Running, Problem> {
        let pace: Arc<Pace> = self.paces.of(principal.name());
        pace.pass().map_err(|seconds| {
            Problem::too_many_requests("more requests came from this user than allowed", seconds).with_code("rate_limited")
        })?;
        match need {
            Need::Closed => return Err(closed()),
            Need::Scope(scope) if !principal.may(scope) => {
                return Err(Problem::forbidden(format!("this needs the scope `{scope}`")).with_code("missing_scope"));
            }
            Need::Scope(_) | Need::Anybody | Need::Nothing => {}
        }
        pace.enter().ok_or_else(|| {
            let detail = "more requests of this user are under way than allowed";
            Problem::too_many_requests(detail, 1).with_code("too_many_at_once")
        })
    }

    /// Notes a login, under the name that was tried if such a user can be.
    fn tell(&self, action: &str, name: &str, is_good: bool) {
        let is_name = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let principal = if is_name { name } else { "nobody" };
        let outcome = if is_good { 200 } else { 401 };
        let deed = Deed { principal: principal.to_owned(), action: action.to_owned(), object: "session".to_owned(), outcome };
        self.note(deed, "session", None);
    }

    /// Notes who did what, where there are accounts to note it in.
    pub(crate) fn note(&self, deed: Deed, route: &str, request: Option<&str>) {
        if let Some(opened) = self.opened.get() {
            opened.trail.note(deed, route, request.map(str::to_owned));
        }
    }
}

fn closed() -> Problem {
    Problem::forbidden("this operation says nothing of who may use it, so nobody may")
}

/// What stands in `authorization: Bearer …`. Other schemes are none of ours.
fn credential(headers: &HeaderMap) -> Option<Result<&str, Problem>> {
    let value = headers.get(header::AUTHORIZATION)?;
    let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
    let found = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, credential)| credential.trim());
    let usable = found.filter(|credential| !credential.is_empty() && credential.len() <= MOST_CREDENTIAL_BYTES);
    Some(usable.ok_or_else(|| Problem::unauthorized("the authorization header has to be `Bearer` and a credential")))
}

fn refusal(error: AccountsError) -> Problem {
    match error {
        AccountsError::Refused(refusal) => {
            let problem = Problem::unauthorized(refusal.to_string());
            match refusal {
                Refusal::Invalid => problem.with_code("invalid_credential"),
                Refusal::Expired => problem.with_code("expired_credential"),
                Refusal::Login => problem.with_code("wrong_login"),
                Refusal::Reused => problem.with_code("token_reused"),
            }
        }
        other => Problem::internal(other),
    }
}

/// Every trail of this process, to be written once more when it ends.
static TRAILS: Mutex<Vec<Weak<Trail>>> = Mutex::new(Vec::new());

/// Writes what the trails of this process still hold.
pub async fn write_trails() {
    let trails: Vec<Weak<Trail>> = TRAILS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for trail in trails.iter().filter_map(Weak::upgrade) {
        trail.write().await;
    }
}

/// Who asks, for handlers.
#[derive(Debug, Clone)]
pub struct Caller(pub Arc<Principal>);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let admitted = parts.extensions.get::<Arc<Principal>>();
        admitted.cloned().map(Self).ok_or_else(closed)
    }
}

/// Put into the extensions of an answer: what the audit trail names instead of the path.
#[derive(Debug, Clone)]
pub struct AuditObject(pub String);

/// The outcome of a route: it never fails, it refuses.
pub(crate) type Outcome = Result<axum::response::Response, Infallible>;
