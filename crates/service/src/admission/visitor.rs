//! Those who come by another door than HTTP: they say once who they are, and are asked again for each thing they do.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use lakehouse_accounts::{AccountsError, ApiKey, Deed, Principal, Refusal, Scope, Tokens};

use super::{Admission, Admitted, Need, refusal};
use crate::{Problem, metrics::record_query};

/// Somebody at another door.
pub struct Visitor {
    admission: Arc<Admission>,
    name: String,
    /// The address, without the port.
    client: String,
    credential: Credential,
}

/// By what a visitor is known.
enum Credential {
    /// Nobody is asked.
    None,
    /// An API key, which may be revoked at any time.
    Key(String),
    /// A session that began with a password.
    Session(Tokens),
}

/// A visitor who may do something now; under way until it is dropped.
pub struct Pass {
    admission: Arc<Admission>,
    admitted: Admitted,
    began: Instant,
}

impl Admission {
    /// Does everybody have to say who they are?
    pub fn asks_everybody(&self) -> bool {
        self.is_required()
    }

    /// Whoever comes while nobody is asked.
    pub fn anybody(self: &Arc<Self>, peer: SocketAddr) -> Visitor {
        let name = self.local.name().to_owned();
        Visitor { admission: self.clone(), name, client: client_at(peer), credential: Credential::None }
    }

    /// Lets somebody in by name, and password or API key: a key has to be one of that user's. Whichever is wrong, the answer is the
    /// same.
    pub async fn receive(self: &Arc<Self>, name: &str, password: String, peer: SocketAddr) -> Result<Visitor, Problem> {
        let client = client_at(peer);
        let credential = if ApiKey::is_key(&password) {
            let principal = self.known(&password, &client).await?;
            let is_owner = principal.is_some_and(|principal| principal.name() == name);
            is_owner.then_some(Credential::Key(password))
        } else {
            self.desk.pass(name, &client)?;
            match self.open().await?.accounts.login(name, password).await {
                Ok(tokens) => Some(Credential::Session(tokens)),
                Err(AccountsError::Refused(_)) => None,
                Err(error) => return Err(refusal(error)),
            }
        };
        self.tell("auth.login", name, credential.is_some());
        let credential = credential.ok_or_else(|| refusal(Refusal::Login.into()))?;
        Ok(Visitor { admission: self.clone(), name: name.to_owned(), client, credential })
    }

    /// Whose key it is, if it is good.
    async fn known(&self, key: &str, client: &str) -> Result<Option<Arc<Principal>>, Problem> {
        self.pace_lookups(client)?;
        match self.open().await?.accounts.authenticate(key).await {
            Ok(principal) => Ok(Some(principal)),
            Err(AccountsError::Refused(_)) => Ok(None),
            Err(error) => Err(refusal(error)),
        }
    }
}

impl Visitor {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// May the visitor do this now, and not too much of it? Asked before each thing that is done: a key may be revoked meanwhile, a
    /// user disabled, a password changed.
    pub async fn admit(&mut self, scope: Scope) -> Result<Pass, Problem> {
        let need = Need::Scope(scope);
        let admission = self.admission.clone();
        let admitted = match &self.credential {
            Credential::None => Admitted { principal: admission.local.clone(), running: None },
            Credential::Key(key) => admission.admit(need, key, &self.client).await?,
            Credential::Session(tokens) => match admission.admit(need, &tokens.access, &self.client).await {
                Err(problem) if problem.code() == EXPIRED => {
                    let tokens = admission.open().await?.accounts.refresh(&tokens.refresh).await.map_err(refusal)?;
                    let admitted = admission.admit(need, &tokens.access, &self.client).await;
                    self.credential = Credential::Session(tokens);
                    admitted?
                }
                admitted => admitted?,
            },
        };
        Ok(Pass { admission, admitted, began: Instant::now() })
    }

    /// Ends the visitor's session, where there is one.
    pub async fn leave(self) {
        let Credential::Session(tokens) = &self.credential else { return };
        let Ok(opened) = self.admission.open().await else { return };
        if let Ok(principal) = opened.accounts.authenticate(&tokens.access).await
            && let Some(session) = principal.session()
            && let Err(error) = opened.accounts.logout(session).await
        {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(error, "a session could not be ended; it ends by itself");
        }
    }
}

/// The address without its port, which a client chooses.
fn client_at(peer: SocketAddr) -> String {
    peer.ip().to_canonical().to_string()
}

/// What a session is told whose access token is over.
const EXPIRED: &str = "expired_credential";

impl Admission {
    async fn admit(&self, need: Need, credential: &str, client: &str) -> Result<Admitted, Problem> {
        let remembered = self.opened.get().and_then(|opened| opened.accounts.remembered(credential));
        let admitted = match remembered {
            Some(principal) => self.weigh(need, principal),
            None => self.ask(need, credential, client).await,
        };
        admitted.map_err(|refused| refused.problem)
    }
}

impl Pass {
    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.admitted.principal
    }

    /// Tells the audit trail and the metrics what was done, and how it ended.
    pub fn tell(self, action: &'static str, object: String, outcome: Result<(), &Problem>) {
        let status = outcome.map_or_else(|problem| problem.status().as_u16(), |()| 200);
        record_query(self.admission.service, action, status, self.began.elapsed());
        if self.admitted.is_noted() {
            let principal = self.admitted.principal.name().to_owned();
            let deed = Deed { principal, action: action.to_owned(), object, outcome: status };
            self.admission.note(deed, action, None);
        }
    }
}
