//! From where a request comes, when there may be proxies before the service.
//!
//! Each proxy adds the address it was reached from to the end of `X-Forwarded-For`, and whatever stands before that a client can have
//! written. So the list is read from its end, and only as far as what is known to be proxies said it.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};
use lakehouse_settings::Networks;

use crate::serve::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The nearest address that is no trusted proxy, as text without its port; empty where there is no connection.
pub fn client(peer: Option<Peer>, headers: &HeaderMap, trusted: &Networks) -> String {
    let Some(peer) = peer else { return String::new() };
    let mut nearest = peer.address();
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut told =
        lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',').map(|address| address.trim().parse::<IpAddr>()));
    while trusted.contain(nearest)
        && let Some(Ok(address)) = told.next()
    {
        nearest = address.to_canonical();
    }
    nearest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_say_is_believed() {
        let trusted: Networks = "127.0.0.1, 10.0.0.0/8".parse().expect("networks");
        let from = |peer: &str, lines: &[&str], trusted: &Networks| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().expect("a header"));
            }
            client(Some(Peer::new(peer.parse().expect("a peer"))), &headers, trusted)
        };
        for (peer, lines, wanted) in [
            ("127.0.0.1:9", &["203.0.113.9"][..], "203.0.113.9"),
            ("127.0.0.1:9", &["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1:9", &["1.2.3.4", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("127.0.0.1:9", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("127.0.0.1:9", &["nonsense"], "127.0.0.1"),
            ("127.0.0.1:9", &["203.0.113.9, "], "127.0.0.1"),
            ("127.0.0.1:9", &[], "127.0.0.1"),
            ("198.51.100.7:9", &["203.0.113.9"], "198.51.100.7"),
            ("[::ffff:127.0.0.1]:9", &["2001:db8::1"], "2001:db8::1"),
        ] {
            assert_eq!(from(peer, lines, &trusted), wanted, "{peer} {lines:?}");
        }
        assert_eq!(
            from("127.0.0.1:9", &["203.0.113.9"], &Networks::default()),
            "127.0.0.1",
            "nobody is trusted unless it is said"
        );
    }
}
