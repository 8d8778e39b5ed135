//! A service over a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lakehouse_landing::Landing;
use lakehouse_settings::{Limits, Overrides, Settings};
use lakehouse_sources_api::{AppState, Folder, Tables, router};
use lakehouse_spec::{Domain, domain_from_dir};
use object_store::local::LocalFileSystem;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use url::Url;

pub const UPLOAD_BYTES: u64 = 1 << 20;

pub struct App {
    /// Holds the served folder, `sources`, and `secret.csv` beside it.
    outside: TempDir,
    address: String,
    client: reqwest::Client,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl App {
    pub async fn start() -> Self {
        Self::start_with(no_tables()).await
    }

    pub async fn start_with(tables: Tables) -> Self {
        let outside = TempDir::new().expect("folder");
        fs::create_dir(outside.path().join("sources")).expect("sources");
        fs::write(outside.path().join("secret.csv"), "secret").expect("secret");
        let folder = Folder::open(&outside.path().join("sources")).await.expect("open");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address").to_string();
        let stop = CancellationToken::new();
        let limits = limits();
        let router = router(AppState::new(folder, landing(outside.path()), tables, vec![domain()], &limits));
        let running = tokio::spawn(lakehouse_service::serve(listener, router, stop.clone(), limits.drain_timeout()));
        Self { outside, address, client: reqwest::Client::new(), stop, running }
    }

    /// Puts a file into the folder without asking the service.
    pub fn with_file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).expect("write");
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.outside.path().join("sources").join(name)
    }

    pub fn outside(&self, name: &str) -> PathBuf {
        self.outside.path().join(name)
    }

    /// Everything in the folder, hidden files included.
    pub fn everything(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).expect("folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("entry").file_name().into_string().expect("name")).collect();
        names.sort();
        names
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("method");
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await.expect("answer")
    }

    pub async fn put(&self, name: &str, content: impl Into<reqwest::Body>) -> Response {
        self.request("PUT", &format!("/files/{name}")).body(content).send().await.expect("answer")
    }

    /// The landing place of the service.
    pub fn landing(&self) -> Landing {
        landing(self.outside.path())
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.expect("connection")
    }

    /// Sends bytes that no HTTP client would, and returns the whole answer.
    pub async fn raw(&self, request: &[u8]) -> String {
        let mut connection = self.connect().await;
        connection.write_all(request).await.expect("send");
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.expect("answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Every story ends here: the service stops, and nothing unfinished is left.
    pub async fn stop(self) {
        self.stop.cancel();
        let Self { outside, running, client, .. } = self;
        drop(client);
        running.await.expect("server");
        let leftovers = fs::read_dir(outside.path().join("sources")).expect("folder");
        let is_unfinished = |name: &String| name.starts_with(".unfinished-");
        let names = leftovers.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned());
        assert_eq!(names.filter(is_unfinished).count(), 0, "an unfinished file is left");
    }
}

/// Where the rows of a service beside `outside` wait.
pub fn landing(outside: &Path) -> Landing {
    let lake = Url::from_file_path(outside.join("lake")).expect("URL");
    Landing::open(Arc::new(LocalFileSystem::new()), &lake).expect("landing")
}

/// The domain in `tests/domains/shop`.
pub fn domain() -> Domain {
    domain_from_dir(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/domains/shop"))).expect("domain")
}

pub fn limits() -> Limits {
    let settings = Settings::load(None, Overrides::default()).expect("defaults");
    Limits { upload_bytes: UPLOAD_BYTES, ..settings.limits }
}

pub fn no_tables() -> Tables {
    Tables::new(&Settings::load(None, Overrides::default()).expect("defaults"), &[]).expect("no tables")
}

/// The `code` of what has to be a problem.
pub async fn code(answer: Response) -> String {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Value = answer.json().await.expect("problem");
    problem["code"].as_str().expect("code").to_owned()
}

pub fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).expect(name).to_str().expect("text")
}
