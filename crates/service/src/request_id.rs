//! The id of a request: the client's own, if it is one, else a new one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries the id of a request, in and out. Handlers find it on every request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Reads the id of a request; one that is missing, or that could not stand in a log line as it is, is replaced by a random one.
pub fn ensure(headers: &mut HeaderMap) -> HeaderValue {
    match headers.get(REQUEST_ID) {
        Some(id) if is_id(id.as_bytes()) => id.clone(),
        _ => {
            let text = format!("{:032x}", rand::random::<u128>());
            let id = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("none"));
            headers.insert(REQUEST_ID, id.clone());
            id
        }
    }
}

fn is_id(text: &[u8]) -> bool {
    (1..=64).contains(&text.len()) && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_id_is_kept_and_anything_else_is_replaced() {
        let ensured = |given: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(given).expect("header"));
            let id = ensure(&mut headers);
            assert_eq!(headers[REQUEST_ID], id);
            id
        };
        assert_eq!(ensured(b"run-7.a_B"), "run-7.a_B");
        for given in [&b""[..], b"a b", b"a\"b", b"\xff", &[b'a'; 65]] {
            assert_eq!(ensured(given).len(), 32, "{given:?}");
        }
        assert_ne!(ensure(&mut HeaderMap::new()), ensure(&mut HeaderMap::new()));
    }
}
