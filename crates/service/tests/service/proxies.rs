//! Limits by address, behind a proxy: a service on a port of its own, which is reached from this machine.

use std::{net::SocketAddr, time::Duration};

use lakehouse_service::{Admission, Service, serve};
use reqwest::Client;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{accounts::settings, app::LIMITS};

struct Server {
    address: SocketAddr,
    client: Client,
    _folder: TempDir,
    _stop: DropGuard,
}

impl Server {
    async fn start(changes: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let admission = Admission::new("house", &settings(folder.path(), changes)).expect("admission");
        let router = Service::new("house", "1.0.0", &LIMITS).admission(admission).build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let (address, stop) = (listener.local_addr().expect("address"), CancellationToken::new());
        tokio::spawn(serve(listener, router, stop.clone(), Duration::from_secs(1)));
        Self { address, client: Client::new(), _folder: folder, _stop: stop.drop_guard() }
    }

    /// The status of a wrong login that comes by way of these addresses.
    async fn guess(&self, forwarded_for: &str) -> u16 {
        let url = format!("http://{}/auth/login", self.address);
        let guess = self.client.post(url).json(&json!({ "name": "ada", "password": "a guess" }));
        guess.header("x-forwarded-for", forwarded_for).send().await.expect("an answer").status().as_u16()
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_a_limit_of_its_own() {
    let server = Server::start("trusted_proxies = '127.0.0.0/8'\n").await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        // What a client claims itself stands before what the proxy saw.
        statuses.push(server.guess("198.51.100.1, 203.0.113.9").await);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(server.guess("198.51.100.2, 203.0.113.9").await, 429, "whatever it claims, it is the same client");
    assert_eq!(server.guess("203.0.113.10").await, 401, "another client is not hindered");
}

#[tokio::test]
async fn without_a_trusted_proxy_nobody_is_believed() {
    let server = Server::start("").await;
    let mut statuses = Vec::new();
    for number in 0..7 {
        statuses.push(server.guess(&format!("203.0.113.{number}")).await);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
}
