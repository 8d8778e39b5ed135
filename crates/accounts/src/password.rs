//! Passwords: kept as argon2id, in the form that says with which parameters.

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use lakehouse_spec::UserName;

/// What a password has to fulfil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRule {
    /// Short passwords are guessed.
    #[error("it has fewer than {} characters", PasswordRule::LEAST_CHARACTERS)]
    Short,
    /// Hashing takes what it is given.
    #[error("it has more than {} bytes", PasswordRule::MOST_BYTES)]
    Long,
    /// The first that anybody tries.
    #[error("it holds the user's name, or is one character over and over")]
    Obvious,
}

impl PasswordRule {
    const LEAST_CHARACTERS: usize = 12;
    const MOST_BYTES: usize = 256;

    /// Refuses what must not be a password of `user`.
    pub fn check(user: &UserName, password: &str) -> Result<(), Self> {
        let is_repeated = password.chars().all(|character| password.starts_with(character));
        match () {
            () if password.len() > Self::MOST_BYTES => Err(Self::Long),
            () if password.chars().count() < Self::LEAST_CHARACTERS => Err(Self::Short),
            () if is_repeated || (user.as_str().len() > 2 && password.to_lowercase().contains(user.as_str())) => {
                Err(Self::Obvious)
            }
            () => Ok(()),
        }
    }
}

/// 19 MiB, two passes, one lane: the least that OWASP recommends, about twenty milliseconds.
fn argon2id() -> Argon2<'static> {
    Argon2::default()
}

/// The hash of a password with a salt of its own. Takes its time: not for the reactor.
pub fn hash(password: &str) -> Option<String> {
    let salt: [u8; 16] = rand::random();
    let hash = argon2id().hash_password_with_salt(password.as_bytes(), &salt).ok()?;
    Some(hash.to_string())
}

/// Does the password belong to the hash? Without a hash the same work is done for nothing, so that the time an answer takes does
/// not tell whether there is such a user.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    if password.len() > PasswordRule::MOST_BYTES {
        return false;
    }
    match hash.and_then(|hash| PasswordHash::new(hash).ok()) {
        Some(hash) => argon2id().verify_password(password.as_bytes(), &hash).is_ok(),
        None => {
            let _ = argon2id().hash_password_with_salt(password.as_bytes(), &[0; 16]);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let good = hash("correct horse battery").expect("a hash");
        assert!(good.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{good}");
        assert_ne!(good, hash("correct horse battery").expect("a hash"), "each hash has a salt of its own");
        assert!(verify("correct horse battery", Some(&good)));
        for wrong in ["correct horse batterx", "", "correct horse battery ", &good, &"x".repeat(1_000_000)] {
            assert!(!verify(wrong, Some(&good)));
        }
        assert!(!verify("correct horse battery", None) && !verify("correct horse battery", Some("plain")));
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        let ada = "ada".parse().expect("a name");
        for (password, wanted) in [
            ("short", Err(PasswordRule::Short)),
            ("aaaaaaaaaaaaaaaa", Err(PasswordRule::Obvious)),
            ("my name is Ada!!", Err(PasswordRule::Obvious)),
            ("correct horse battery", Ok(())),
            ("пароль-которого-нет", Ok(())),
        ] {
            assert_eq!(PasswordRule::check(&ada, password), wanted, "{password}");
        }
        assert_eq!(PasswordRule::check(&ada, &"ab".repeat(200)), Err(PasswordRule::Long));
    }
}
