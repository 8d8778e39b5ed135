//! Who asks, and what that one may do.

use lakehouse_spec::Role;

use crate::{Scope, Scopes};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    name: String,
    role: Role,
    scopes: Scopes,
    session: Option<String>,
    key: Option<String>,
}

impl Principal {
    /// Whoever reaches a service that asks nobody who they are: only over loopback.
    pub fn local() -> Self {
        Self { name: "local".to_owned(), role: Role::Admin, scopes: Scopes::ALL, session: None, key: None }
    }

    /// Is it nobody in particular?
    pub fn is_local(&self) -> bool {
        self.session.is_none() && self.key.is_none()
    }

    pub(crate) fn with_key(name: String, role: Role, scopes: Scopes, key: String) -> Self {
        Self { name, role, scopes: scopes.and(Scopes::of_role(role)), session: None, key: Some(key) }
    }

    pub(crate) fn with_session(name: String, role: Role, session: String) -> Self {
        Self { name, role, scopes: Scopes::of_role(role), session: Some(session), key: None }
    }

    /// The name, for the log, the audit trail and row filters.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the principal is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What the principal may do: never more than the role.
    pub fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// May the principal do this?
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contain(scope)
    }

    /// The session, of one who logged in.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The id of the API key, of one who used one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}
