//! Asking a service how it is.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use lakehouse_service::{Probe, serve};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::app::service;

fn probe(address: &str) -> Probe {
    let address = address.parse().expect("an http:// address");
    Probe { address, timeout: Duration::from_millis(500), wait: Duration::ZERO }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    (listener, address)
}

fn start(listener: TcpListener) -> JoinHandle<()> {
    let service = service("probed").ready_when("the stars", || async { Err("they are wrong".into()) });
    tokio::spawn(serve(listener, service.build(), CancellationToken::new(), Duration::ZERO))
}

#[tokio::test]
async fn a_good_answer_and_a_bad_one_are_told_in_a_sentence() {
    let (listener, address) = listener().await;
    let server = start(listener);
    let live = probe(&format!("http://{address}/health/live")).ask().await;
    assert_eq!(live, Ok(format!("http://{address}/health/live is well: live")));
    let ready = probe(&format!("http://localhost:{}/health/ready", address.port())).ask().await.expect_err("it is not ready");
    assert!(ready.ends_with("/health/ready answers 503 Service Unavailable: not ready: the stars"), "{ready}");
    let nothing = probe(&format!("http://{address}/nothing")).ask().await.expect_err("nothing is there");
    assert!(nothing.contains("404"), "{nothing}");
    server.abort();
}

#[tokio::test]
async fn silence_and_absence_are_bad() {
    // The kernel accepts, and nobody reads.
    let (silent, address) = listener().await;
    let said = probe(&format!("http://{address}/")).ask().await.expect_err("nobody answers");
    assert!(said.ends_with("did not answer within 500ms"), "{said}");
    drop(silent);
    let said = probe(&format!("http://{address}/")).ask().await.expect_err("nobody is there");
    assert!(said.contains("does not answer: ") && said.contains("refused"), "{said}");
}

#[tokio::test]
async fn a_service_that_starts_is_waited_for() {
    let (listener, address) = listener().await;
    drop(listener);
    let waiting = Probe { wait: Duration::from_secs(30), ..probe(&format!("http://{address}/health/live")) };
    let started = Instant::now();
    let asked = tokio::spawn(async move { waiting.ask().await });
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!asked.is_finished());
    let server = start(TcpListener::bind(address).await.expect("the port is still free"));
    asked.await.expect("task").expect("it is well by now");
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    server.abort();
}

#[test]
fn only_http_addresses_are_taken() {
    let wrong = ["", "localhost", "127.0.0.1:9999", "https://localhost/", "/health/live", "http://", "ftp://host/"];
    for text in wrong {
        assert!(text.parse::<lakehouse_service::ProbeAddress>().is_err(), "{text}");
    }
}
