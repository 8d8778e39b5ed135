//! A lake with two tables and the service over it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Schema, TimeUnit},
};
use lakehouse_lake::{Change, ChangeMode, CommitNote, Lake, LakeOptions, WriteLayout};
use lakehouse_service::serve;
use lakehouse_settings::{Overrides, Settings};
use lakehouse_spec::{Domain, DomainName, TableName, find_domain};
use reqwest::{Client, RequestBuilder, Response, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub struct Place {
    folder: TempDir,
    pub lake: Lake,
    pub client: Client,
    pub address: String,
    /// The door for clients of PostgreSQL.
    pub postgres: SocketAddr,
    _stop: DropGuard,
}

impl Place {
    /// `silver.numbers` with this many rows, and the datamart `dm_client_features` with a hundred.
    pub async fn with_numbers(rows: i64) -> Self {
        Self::with(rows, |_| ()).await
    }

    pub async fn with(rows: i64, change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_domain(rows, find_domain("fraud", None).unwrap(), change).await
    }

    pub async fn with_domain(rows: i64, domain: Domain, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let overrides = Overrides { lake: Some(folder.path().join("lake").display().to_string()), ..Overrides::default() };
        let mut settings = Settings::load(None, overrides).unwrap();
        change(&mut settings);
        let options = LakeOptions::new(settings.lake.as_str(), settings.memory_limit_mb).unwrap();
        let lake = Lake::open(options, settings.open_store(&settings.lake).unwrap()).unwrap();
        put(&lake, "silver.numbers", &numbers(0..rows)).await;
        put(&lake, "gold.dm_client_features", &clients(1)).await;
        let api = lakehouse_api::Api::new(lake.clone(), vec![domain], &settings).unwrap();
        let (http, wire) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (address, postgres) = (http.local_addr().unwrap().to_string(), wire.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(serve(http, api.router(), stop.clone(), Duration::from_secs(1)));
        tokio::spawn(api.postgres(wire, stop.clone()).unwrap());
        Self { folder, lake, client: Client::new(), address, postgres, _stop: stop.drop_guard() }
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The names of the datamart's current files.
    pub async fn current_files(&self) -> Vec<String> {
        let (domain, name): (DomainName, TableName) = ("fraud".parse().unwrap(), "gold.dm_client_features".parse().unwrap());
        let table = self.lake.table(&domain, &name).await.unwrap().unwrap();
        table.files.iter().map(|file| file.path.filename().unwrap().to_owned()).collect()
    }

    /// Makes these rows the datamart's next version and waits until the service has seen it.
    pub async fn publish(&self, rows: &RecordBatch) {
        let version = put(&self.lake, "gold.dm_client_features", rows).await.to_string();
        let seen = async || {
            let page = self.client.get(self.url("/datamarts/fraud/dm_client_features?limit=1")).send().await.unwrap();
            page.headers()["x-table-version"] == version.as_str()
        };
        let mut looked = 0;
        while !seen().await {
            looked += 1;
            assert!(looked < 600, "version {version} is not seen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn post(&self, body: &Value) -> RequestBuilder {
        self.client.post(self.url("/sql")).json(body)
    }

    /// Status and JSON body of a query.
    pub async fn ask(&self, body: &Value) -> (u16, Value) {
        read(self.post(body).send().await.unwrap()).await
    }

    /// The rows of a query that works.
    pub async fn rows(&self, sql: &str) -> Value {
        let (status, mut answer) = self.ask(&json!({ "sql": sql })).await;
        assert_eq!(status, 200, "{sql}: {answer}");
        answer["rows"].take()
    }

    /// A query's answer in another format.
    pub async fn in_format(&self, sql: &str, format: &str) -> Response {
        self.post(&json!({ "sql": sql })).header(header::ACCEPT, format).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.client.get(self.url(path)).send().await.unwrap()).await
    }
}

pub async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// Makes these rows the table's next version.
pub async fn put(lake: &Lake, table: &str, rows: &RecordBatch) -> u64 {
    let (domain, name): (DomainName, TableName) = ("fraud".parse().unwrap(), table.parse().unwrap());
    let layout = WriteLayout { schema: rows.schema(), partition_columns: Vec::new() };
    let mut writer = lake.writer(&domain, &name, &layout).unwrap();
    writer.write(rows).await.unwrap();
    let files = writer.finish().await.unwrap();
    let note =
        CommitNote { run: "a run".into(), inputs: [("silver.numbers".into(), "7".into())].into(), ..CommitNote::default() };
    let change = Change { files, mode: ChangeMode::Overwrite, layout, batch: None, note };
    lake.commit(&domain, &name, &change).await.unwrap().version()
}

/// n, half of it, a word that is null for every third, and whether n is even.
fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let fields = vec![
        Field::new("n", DataType::Int64, false),
        Field::new("half", DataType::Float64, true),
        Field::new("word", DataType::Utf8, true),
        Field::new("is_even", DataType::Boolean, true),
    ];
    let all = Vec::from_iter(range);
    let halves = Float64Array::from_iter(all.iter().map(|n| (n % 7 > 0).then_some(*n as f64 / 2.0)));
    let words = StringArray::from_iter(all.iter().map(|n| (n % 3 > 0).then(|| format!("word {}, é", n % 100))));
    let evens = BooleanArray::from_iter(all.iter().map(|n| (n % 11 > 0).then_some(n % 2 == 0)));
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(all)), Arc::new(halves), Arc::new(words), Arc::new(evens)];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// A hundred clients; `generation` stands in every row, so that rows of two versions cannot be mistaken for one.
pub fn clients(generation: i64) -> RecordBatch {
    let fields = vec![
        Field::new("client_id", DataType::Utf8, false),
        Field::new("tx_count", DataType::Int64, true),
        Field::new("generation", DataType::Int64, false),
    ];
    let ids = StringArray::from_iter_values((0..100).map(|client| format!("{client:03}")));
    let counts = Int64Array::from_iter((0..100).map(|client| (client % 10 > 0).then_some(client % 5)));
    let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(counts), Arc::new(Int64Array::from(vec![generation; 100]))];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// A hundred clients with a column of every kind of value, nulls among them.
pub fn typed() -> RecordBatch {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = vec![
        Field::new("client_id", DataType::Utf8, false),
        Field::new("tx_count", DataType::Int64, true),
        Field::new("share", DataType::Float64, true),
        Field::new("word", DataType::Utf8, true),
        Field::new("is_new", DataType::Boolean, true),
        Field::new("seen_at", time, true),
    ];
    let clients = 0..100_i64;
    let words = ["", "a", "word 7, é", "Word", "100%", "it's", "_", "é"];
    let unless = |client: i64, every: i64| client % every > 0;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(clients.clone().map(|client| format!("{client:03}")))),
        Arc::new(Int64Array::from_iter(clients.clone().map(|client| unless(client, 10).then_some(client % 5)))),
        Arc::new(Float64Array::from_iter(clients.clone().map(|client| unless(client, 7).then_some(client as f64 / 4.0 - 1.5)))),
        Arc::new(StringArray::from_iter(clients.clone().map(|client| unless(client, 6).then_some(words[client as usize % 8])))),
        Arc::new(BooleanArray::from_iter(clients.clone().map(|client| unless(client, 9).then_some(client % 2 == 0)))),
        Arc::new(
            TimestampMicrosecondArray::from_iter(
                clients.map(|client| unless(client, 8).then_some(1_767_225_600_000_000 + client * 1_108_000_000)),
            )
            .with_timezone("UTC"),
        ),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}
