//! Who may ask: users with passwords, API keys, sessions of short-lived tokens, and the trail of what they did.
//!
//! [`Accounts`] turns what a request carries into a [`Principal`]. A key is random and kept as a digest; a password is kept as
//! argon2id; an access token is signed, lives minutes and names its session; a refresh token is good once, and a second use of it
//! ends its session. What the database said of a credential is remembered for seconds, so that a request costs no query and what
//! is revoked stops within [`Accounts::REMEMBERED`].

mod accounts;
mod api_key;
mod error;
mod password;
mod principal;
mod remembered;
mod scope;
mod signing;
mod token;
mod trail;

pub use accounts::{Accounts, NewApiKey, Tokens};
pub use api_key::{ApiKey, KeyId};
pub use error::{AccountsError, Refusal};
pub use password::PasswordRule;
pub use principal::Principal;
pub use scope::{Scope, Scopes, UnknownScope};
pub use signing::SigningKey;
pub use trail::{Deed, Trail};
