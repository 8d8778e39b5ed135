//! The service as whoever asks sees it: the tables, columns and rows that the domains show to that one.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{extract::FromRequestParts, http::request::Parts};
use lakehouse_accounts::{Principal, SigningKey};
use lakehouse_lake::{Lake, Showing};
use lakehouse_service::{Caller, Problem};
use lakehouse_settings::Settings;
use lakehouse_spec::{Domain, Role, UserName};

use crate::ApiState;

/// More views than this are not kept; they are forgotten all together, which only costs making them.
const MOST_VIEWS: usize = 1_000;

/// A lake, and what is shown of it to whom.
pub(crate) struct Gallery {
    whole: Arc<Lake>,
    showing: Arc<Showing>,
    /// By user, each with the role that it is for.
    views: Mutex<HashMap<String, (Role, Arc<Lake>)>>,
}

impl Gallery {
    /// The gallery, and the lake as it is seen by whoever has not been named: where accounts are required, nothing of it.
    pub(crate) fn open(lake: Lake, domains: &[Domain], settings: &Settings) -> io::Result<(Self, Lake)> {
        if !settings.accounts.required {
            // Where nobody needs an account, a digest only has to differ from its value.
            let showing = Showing::new(domains, SigningKey::random().derive("masks"));
            return Ok((Self { whole: Arc::new(lake.clone()), showing, views: Mutex::default() }, lake));
        }
        let key = SigningKey::open(&settings.accounts.signing_key_file).map_err(io::Error::other)?;
        let nobody: UserName = "nobody".parse().map_err(io::Error::other)?;
        let closed = lake.seen_by(&Showing::new(&[], [0; 32]).to(Role::Viewer, nobody));
        let showing = Showing::new(domains, key.derive("masks"));
        Ok((Self { whole: Arc::new(lake), showing, views: Mutex::default() }, closed))
    }

    /// The lake as `principal` sees it.
    pub(crate) fn seen_by(&self, principal: &Principal) -> Result<Arc<Lake>, Problem> {
        if principal.is_local() {
            return Ok(self.whole.clone());
        }
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, view)) = views.get(principal.name()).filter(|(role, _)| *role == principal.role()) {
            return Ok(view.clone());
        }
        let user: UserName = principal.name().parse().map_err(Problem::internal)?;
        if views.len() >= MOST_VIEWS {
            views.clear();
        }
        let view = Arc::new(self.whole.seen_by(&self.showing.to(principal.role(), user)));
        views.insert(principal.name().to_owned(), (principal.role(), view.clone()));
        Ok(view)
    }
}

/// The state as whoever asks sees it; stands where a handler would have the state.
pub(crate) struct Seen(pub(crate) ApiState);

impl FromRequestParts<ApiState> for Seen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let Caller(principal) = Caller::from_request_parts(parts, state).await?;
        Ok(Self(state.with_lake(state.gallery.seen_by(&principal)?)))
    }
}
