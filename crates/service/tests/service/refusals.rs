//! Every refusal and failure is a problem, and says no more than it should.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{body::Body, http::Request};
use tracing_subscriber::fmt::MakeWriter;

use crate::app::{get, send, service};

#[tokio::test]
async fn an_unknown_address_is_not_found() {
    let answer = get(&service("refusals").build(), "/nowhere").await;
    assert_eq!((answer.status.as_u16(), answer.detail().as_str()), (404, "there is nothing at this address"));
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let router = service("refusals").build();
    for (method, path, allowed) in [("GET", "/orders", "POST"), ("DELETE", "/page", "GET,HEAD"), ("BREW", "/docs/", "GET,HEAD")] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("request");
        let answer = send(&router, request).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.headers["allow"], allowed, "{path}");
        assert_eq!(answer.json()["code"], "method_not_allowed");
        answer.detail();
    }
}

#[tokio::test]
async fn a_failure_is_logged_once_with_its_cause_and_answered_without() {
    let log = Log::default();
    // For the whole process: a subscriber of one thread misses spans that another thread met first.
    tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).init();
    let router = service("refusals").build();

    for (path, id, cause) in
        [("/broken", "id-of-broken", "table gold.secret is corrupt"), ("/panic", "id-of-panic", "the secret is 42")]
    {
        let request = Request::get(path).header("x-request-id", id).body(Body::empty()).expect("request");
        let answer = send(&router, request).await;
        assert_eq!(answer.status, 500);
        assert!(answer.detail().starts_with("the request failed here"), "{}", answer.text);
        assert!(!answer.text.contains("secret"), "{}", answer.text);

        let lines = log.lines_with(id);
        assert!(lines.len() == 1 && lines[0].contains("ERROR") && lines[0].contains(cause), "{lines:?}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines_with(&self, id: &str) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().filter(|line| line.contains(id)).map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
