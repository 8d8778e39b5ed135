//! Tokens: JSON Web Tokens signed with HMAC-SHA-256, and no other algorithm whatever their header says.

use std::sync::Once;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwkUtils, JwtSigner, JwtVerifier},
    decode, encode,
    errors::{Error, ErrorKind},
};
use lakehouse_spec::UserName;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Signer, Verifier};

use crate::{AccountsError, Refusal, SigningKey};

const ISSUER: &str = "lakehouse";

/// What a token is good for. A refresh token is no access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Access,
    Refresh,
}

impl Use {
    fn audience(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Whose it is.
    pub sub: UserName,
    /// The session.
    pub sid: String,
    /// The generation of the session.
    pub generation: u64,
    iat: i64,
    exp: i64,
}

/// Signs and checks tokens.
pub struct Signatures {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl Signatures {
    pub fn new(key: &SigningKey) -> Self {
        install();
        Self { signing: EncodingKey::from_secret(key.bytes()), checking: DecodingKey::from_secret(key.bytes()) }
    }

    pub fn sign(
        &self,
        purpose: Use,
        owner: &UserName,
        session: &str,
        generation: u64,
        (at, lasts): (Timestamp, SignedDuration),
    ) -> Result<String, AccountsError> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: purpose.audience().to_owned(),
            sub: owner.clone(),
            sid: session.to_owned(),
            generation,
            iat: at.as_second(),
            exp: at.as_second().saturating_add(lasts.as_secs()),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.signing).map_err(|_| AccountsError::Failed("sign a token"))
    }

    /// What a good token says.
    pub fn check(&self, purpose: Use, token: &str) -> Result<Claims, Refusal> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[purpose.audience()]);
        match decode::<Claims>(token, &self.checking, &validation) {
            Ok(token) => Ok(token.claims),
            Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => Err(Refusal::Expired),
            Err(_) => Err(Refusal::Invalid),
        }
    }
}

/// The library leaves the arithmetic to others. Its own choices bring a dozen crates for algorithms that are not allowed here.
fn install() {
    static INSTALLED: Once = Once::new();
    static PROVIDER: CryptoProvider =
        CryptoProvider { signer_factory: signer, verifier_factory: verifier, jwk_utils: JwkUtils::new_unimplemented() };
    INSTALLED.call_once(|| {
        if PROVIDER.install_default().is_err() {
            tracing::error!("another provider of signatures is installed");
        }
    });
}

struct HmacSha256(Hmac<Sha256>);

impl HmacSha256 {
    fn new(algorithm: Algorithm, secret: &[u8]) -> Result<Self, Error> {
        let keyed = (algorithm == Algorithm::HS256).then(|| Hmac::new_from_slice(secret).ok()).flatten();
        keyed.map(Self).ok_or_else(|| ErrorKind::InvalidAlgorithm.into())
    }

    fn over(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Ok(Box::new(HmacSha256::new(*algorithm, key.try_get_hmac_secret()?)?))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    Ok(Box::new(HmacSha256::new(*algorithm, key.try_get_hmac_secret()?)?))
}

impl Signer<Vec<u8>> for HmacSha256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.over(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for HmacSha256 {
    /// Takes the same time wherever they differ.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.over(message).verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl JwtVerifier for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn sign(signatures: &Signatures, purpose: Use, at: Timestamp) -> String {
        let ada = "ada".parse().expect("a name");
        signatures.sign(purpose, &ada, "s1", 3, (at, HOUR)).expect("a token")
    }

    #[test]
    fn a_token_says_what_was_signed() {
        let signatures = Signatures::new(&SigningKey::random());
        let token = sign(&signatures, Use::Access, Timestamp::now());
        let claims = signatures.check(Use::Access, &token).expect("it is good");
        assert_eq!((claims.sub.as_str(), claims.sid.as_str(), claims.generation), ("ada", "s1", 3));
    }

    #[test]
    fn a_published_example_has_its_published_signature() {
        // RFC 7515, appendix A.1.
        let key = "0323354b2b0fa5bc837e0665777ba68f5ab328e6f054c928a90f84b2d2502ebfd3fb5a92d20647ef968ab4c377623d223d2e2172052e4f08c0cd9af567d080a3";
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        install();
        let key = EncodingKey::from_secret(&hex::decode(key).expect("digits"));
        let signed = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("a signature");
        assert_eq!(signed, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn what_was_changed_forged_or_is_for_something_else_is_refused() {
        let key = SigningKey::random();
        let signatures = Signatures::new(&key);
        let good = sign(&signatures, Use::Access, Timestamp::now());
        let refused = |token: &str| signatures.check(Use::Access, token).expect_err("it is refused");
        let mut tried = 0;
        let bytes = good.as_bytes();
        for position in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[position] = if changed[position] == b'A' { b'Q' } else { b'A' };
            assert_eq!(refused(&String::from_utf8(changed).expect("text")), Refusal::Invalid, "byte {position}");
            tried += 1;
        }
        let parts: Vec<&str> = good.split('.').collect();
        // {"alg":"none"}, and the same without a signature.
        let unsigned =
            ["eyJhbGciOiJub25lIn0", "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0"].map(|header| format!("{header}.{}.", parts[1]));
        let other_algorithms = [Algorithm::HS384, Algorithm::HS512, Algorithm::RS256, Algorithm::ES256]
            .map(|algorithm| serde_json_header(algorithm) + "." + parts[1] + "." + parts[2]);
        let others = [
            sign(&Signatures::new(&SigningKey::random()), Use::Access, Timestamp::now()),
            sign(&signatures, Use::Refresh, Timestamp::now()),
        ];
        for token in
            unsigned.iter().chain(&other_algorithms).chain(&others).chain(&[String::new(), "..".to_owned(), parts[..2].join(".")])
        {
            assert_eq!(refused(token), Refusal::Invalid, "{token}");
            tried += 1;
        }
        assert_eq!(refused(&sign(&signatures, Use::Access, Timestamp::now() - HOUR - HOUR)), Refusal::Expired);
        println!("{} tokens refused", tried + 1);
    }

    /// A header as it stands in a token.
    fn serde_json_header(algorithm: Algorithm) -> String {
        let key = EncodingKey::from_secret(b"any");
        let of_hs256 = encode(&Header::new(Algorithm::HS256), &(), &key).expect("a token");
        let header = of_hs256.split('.').next().expect("a header").to_owned();
        assert!(!header.is_empty());
        let name = format!("{algorithm:?}");
        // {"typ":"JWT","alg":"…"}
        let text = format!("{{\"typ\":\"JWT\",\"alg\":\"{name}\"}}");
        url_safe(text.as_bytes())
    }

    fn url_safe(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let digits = |chunk: &[u8]| {
            let number = (0..3).fold(0_u32, |number, at| number << 8 | u32::from(chunk.get(at).copied().unwrap_or_default()));
            (0..=chunk.len()).map(|at| char::from(DIGITS[(number >> (18 - 6 * at) & 63) as usize])).collect::<String>()
        };
        bytes.chunks(3).map(digits).collect()
    }
}
