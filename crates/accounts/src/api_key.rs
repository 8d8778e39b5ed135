//! API keys: `lhk_<id>_<secret>`. The id finds the key and may be shown; the secret is shown once and kept as a digest.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Refusal;

const PREFIX: &str = "lhk_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

/// The part of a key that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key as its owner holds it. Debugged without its secret.
pub struct ApiKey {
    id: KeyId,
    secret: String,
}

impl ApiKey {
    /// A new one: 256 random bits, so that its digest needs no salt and no slowness.
    pub fn random() -> Self {
        let (id, secret): ([u8; ID_DIGITS / 2], [u8; SECRET_DIGITS / 2]) = (rand::random(), rand::random());
        Self { id: KeyId(hex::encode(id)), secret: hex::encode(secret) }
    }

    /// Does it look like a key, good or not?
    pub fn is_key(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The part that may be shown.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The whole key, for the one moment in which its owner is told.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }

    /// What is kept of the secret.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.secret.as_bytes()))
    }

    /// Is `digest` that of the secret? Takes the same time wherever they differ.
    pub fn has_digest(&self, digest: &str) -> bool {
        self.digest().as_bytes().ct_eq(digest.as_bytes()).into()
    }
}

impl FromStr for ApiKey {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let is_hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(Refusal::Invalid)?;
        if !is_hex(id, ID_DIGITS) || !is_hex(secret, SECRET_DIGITS) {
            return Err(Refusal::Invalid);
        }
        Ok(Self { id: KeyId(id.to_owned()), secret: secret.to_owned() })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_***", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_only_its_own_digest_fits() {
        let key = ApiKey::random();
        let read: ApiKey = key.reveal().parse().expect("a key");
        assert_eq!((read.id(), read.digest()), (key.id(), key.digest()));
        assert!(read.has_digest(&key.digest()) && !read.has_digest(&ApiKey::random().digest()) && !read.has_digest(""));
        assert!(!format!("{key:?}").contains(&key.secret));
        let text = key.reveal();
        for broken in ["", "lhk_", "lhk__", &text[1..], &text[..text.len() - 1], &format!("{text}0"), &text.to_uppercase()] {
            assert!(broken.parse::<ApiKey>().is_err(), "{broken}");
        }
    }
}
