//! A stop lets requests finish.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use lakehouse_service::serve;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A server with one route, `/`, that answers when it is told to.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    entered: Arc<Notify>,
    answer: Arc<Notify>,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(drain: Duration) -> Self {
        let (entered, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (inside, told) = (entered.clone(), answer.clone());
        let handler = move || async move {
            inside.notify_one();
            told.notified().await;
            "done"
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve(listener, Router::new().route("/", get(handler)), stop.clone(), drain));
        Self { address, stop, entered, answer, running }
    }

    /// Returns once the request is inside the handler.
    async fn request(&self) -> JoinHandle<reqwest::Result<String>> {
        let url = format!("http://{}/", self.address);
        let request = tokio::spawn(async move { reqwest::get(url).await?.text().await });
        self.entered.notified().await;
        request
    }
}

#[tokio::test]
async fn a_request_under_way_finishes_and_nobody_new_is_let_in() {
    let server = Server::start(Duration::from_secs(30)).await;
    let request = server.request().await;
    server.stop.cancel();
    while tokio::net::TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.running.is_finished());
    server.answer.notify_one();
    assert_eq!(request.await.expect("task").expect("answer"), "done");
    server.running.await.expect("server");
}

#[tokio::test]
async fn a_request_that_does_not_finish_in_time_is_cut_off() {
    let server = Server::start(Duration::from_millis(50)).await;
    let request = server.request().await;
    server.stop.cancel();
    server.running.await.expect("server");
    assert!(request.await.expect("task").is_err());
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_stop() {
    let server = Server::start(Duration::from_secs(30)).await;
    let client = reqwest::Client::new();
    server.answer.notify_one();
    client.get(format!("http://{}/", server.address)).send().await.expect("answer").text().await.expect("text");
    server.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), server.running).await.expect("stops at once").expect("server");
}
