//! Asking a service how it is, from outside: what a container engine, an update or a person runs as `health URL`.
//!
//! It needs no shell and no other program, so an image can consist of the program alone.

use std::{
    io::Write as _,
    process::ExitCode,
    str::FromStr,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, Uri, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::BoxError;

/// Answers of health routes are a line; what is longer is none of them.
const ANSWER_BYTES: usize = 16 << 10;
/// Between two questions to a service that is waited for.
const PAUSE: Duration = Duration::from_millis(250);
const USAGE: &str = "health URL [--timeout SECONDS] [--wait SECONDS]";

/// A question to a service.
#[derive(Debug, Clone)]
pub struct Probe {
    /// What is asked, such as `http://127.0.0.1:9999/health/live`.
    pub address: ProbeAddress,
    /// How long one answer may take.
    pub timeout: Duration,
    /// How long to go on asking until the answer is good; zero asks once.
    pub wait: Duration,
}

impl Probe {
    /// Seconds one answer may take unless something else is said.
    pub const TIMEOUT_SECONDS: &str = "3";

    /// Asks. Gives a sentence either way: what the service said, or why it is not well.
    pub async fn ask(&self) -> Result<String, String> {
        let started = Instant::now();
        loop {
            let said = self.ask_once().await;
            if said.is_ok() || started.elapsed() + PAUSE > self.wait {
                return said;
            }
            sleep(PAUSE).await;
        }
    }

    async fn ask_once(&self) -> Result<String, String> {
        let address = &self.address.0;
        let (status, text) = match timeout(self.timeout, get(address)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(format!("{address} does not answer: {}", crate::problem::causes(error.as_ref()))),
            Err(_) => return Err(format!("{address} did not answer within {:?}", self.timeout)),
        };
        let said = said(&text);
        if status.is_success() {
            Ok(format!("{address} is well: {said}"))
        } else {
            Err(format!("{address} answers {status}: {said}"))
        }
    }

    /// Reads `health URL …` from a command line that knows nothing else; `None` if it is empty.
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = arguments.peekable();
        let Some(verb) = arguments.next() else { return Ok(None) };
        if verb != "health" {
            return Err(format!("`{verb}` is not known"));
        }
        let address = arguments.next().ok_or("an address is missing")?.parse::<ProbeAddress>()?;
        let mut probe = Self { address, timeout: seconds_of(Self::TIMEOUT_SECONDS)?, wait: Duration::ZERO };
        while let Some(flag) = arguments.next() {
            let value = match flag.as_str() {
                "--timeout" => &mut probe.timeout,
                "--wait" => &mut probe.wait,
                _ => return Err(format!("`{flag}` is not known")),
            };
            let seconds = arguments.next().ok_or_else(|| format!("{flag} needs seconds"))?;
            *value = seconds_of(&seconds)?;
        }
        Ok(Some(probe))
    }
}

/// Seconds, as they are written on a command line.
pub fn seconds_of(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| format!("`{text}` is no number of seconds"))
}

/// An `http://` address with a host.
#[derive(Debug, Clone)]
pub struct ProbeAddress(Uri);

impl FromStr for ProbeAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri = text.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
        uri.map(Self).ok_or_else(|| format!("`{text}` is no http:// address"))
    }
}

/// For programs whose command line is nothing, or `health URL`: the exit code when they were asked for the latter.
pub async fn answer_health_verb() -> Option<ExitCode> {
    match Probe::parse(std::env::args().skip(1)) {
        Ok(None) => None,
        Ok(Some(probe)) => Some(told(probe.ask().await)),
        Err(mistake) => {
            let _ = writeln!(std::io::stderr().lock(), "error: {mistake}; without arguments it serves, else: {USAGE}");
            Some(ExitCode::from(2))
        }
    }
}

/// Prints the sentence of an answer where it belongs.
pub fn told(answer: Result<String, String>) -> ExitCode {
    // A reader that has gone away is no error.
    match answer {
        Ok(good) => {
            let _ = writeln!(std::io::stdout().lock(), "{good}");
            ExitCode::SUCCESS
        }
        Err(bad) => {
            let _ = writeln!(std::io::stderr().lock(), "{bad}");
            ExitCode::FAILURE
        }
    }
}

async fn get(address: &Uri) -> Result<(StatusCode, String), BoxError> {
    let host = address.host().unwrap_or_default();
    // Brackets are how an address writes IPv6, not part of it.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((name, address.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let path = address.path_and_query().map_or("/", |path| path.as_str());
    let authority = address.authority().map_or(host, |authority| authority.as_str());
    let request = Request::get(path).header(header::HOST, authority).header(header::CONNECTION, "close").body(Body::empty())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = to_bytes(Body::new(answer.into_body()), ANSWER_BYTES).await?;
    connection.abort();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// What a health answer says to a person: its status, or the detail of its problem.
fn said(body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let text = ["detail", "status"].iter().find_map(|key| json[key].as_str());
    text.map_or_else(|| body.trim().chars().take(200).collect(), str::to_owned)
}
