//! Running the program: its own lake and folder per test, everything gone at the end.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, LazyLock},
};

use futures::TryStreamExt as _;
use lakehouse_lake::{Lake, LakeOptions};
use object_store::{ObjectStore, local::LocalFileSystem};
use serde_json::Value;
use tempfile::TempDir;

use crate::components::Bucket;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_lakehouse");

/// A lake and a sources folder of its own.
pub struct Workspace {
    folder: TempDir,
    lake: String,
    environment: Vec<(String, String)>,
    bucket: Option<Bucket>,
}

/// What a run of the program gave.
pub struct Ran {
    pub output: Output,
}

impl Workspace {
    pub fn new() -> Self {
        let workspace = Self { folder: TempDir::new().unwrap(), lake: "lake".to_owned(), environment: Vec::new(), bucket: None };
        std::fs::create_dir(workspace.sources()).unwrap();
        workspace
    }

    /// The same sources; the lake is in a bucket, at a prefix of its own.
    pub fn in_bucket(self, bucket: &Bucket) -> Self {
        Self { lake: bucket.fresh_uri(), environment: bucket.settings(), bucket: Some(bucket.clone()), ..self }
    }

    /// The same sources; the lake is somewhere else.
    pub fn with_lake(self, uri: &str) -> Self {
        Self { lake: uri.to_owned(), ..self }
    }

    /// With other settings in the environment.
    pub fn with_environment(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// A workspace whose sources are a generated sample.
    pub fn with_sample(transactions: u32) -> Self {
        let workspace = Self::new();
        workspace.generate(&["--transactions", &transactions.to_string()]);
        workspace
    }

    pub fn generate(&self, arguments: &[&str]) {
        let out = self.sources();
        let mut all = vec!["generate", "fraud", "--out", out.to_str().unwrap()];
        all.extend(arguments);
        self.lakehouse(&all).good();
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn sources(&self) -> PathBuf {
        self.folder.path().join("sources")
    }

    pub fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    pub fn source(&self, name: &str) -> PathBuf {
        self.sources().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.current_dir(self.path()).args(["--log", "warn", "--lake", &self.lake]).args(arguments);
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    /// The lake without the program, to look at it often.
    pub fn open_lake(&self) -> Lake {
        let (location, store): (String, Arc<dyn ObjectStore>) = match &self.bucket {
            Some(bucket) => (self.lake.clone(), bucket.store()),
            None => (self.lake().display().to_string(), Arc::new(LocalFileSystem::new())),
        };
        Lake::open(LakeOptions::new(&location, 256).unwrap(), store).unwrap()
    }

    pub fn lakehouse(&self, arguments: &[&str]) -> Ran {
        Ran { output: self.command(arguments).output().unwrap() }
    }

    /// Runs the fraud pipeline through the datamarts.
    pub fn run(&self) -> Ran {
        self.lakehouse(&["run", "fraud", "--sources", "sources", "--skip-training", "--json"])
    }

    /// Runs the fraud pipeline through training.
    pub fn run_with_training(&self) -> Ran {
        self.lakehouse(&["run", "fraud", "--sources", "sources", "--json"])
    }

    /// Puts `to` in place of `from` in a file of the fraud domain, for [`run_edited`](Self::run_edited).
    pub fn edit_domain(&self, file: &str, from: &str, to: &str) {
        let domains = self.path().join("domains");
        if !domains.exists() {
            let copied = Command::new("cp").args(["-r", concat!(env!("CARGO_MANIFEST_DIR"), "/domains")]).arg(&domains).status();
            assert!(copied.unwrap().success());
        }
        let original = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("domains/fraud").join(file)).unwrap();
        assert!(original.contains(from), "{original}");
        std::fs::write(domains.join("fraud").join(file), original.replace(from, to)).unwrap();
    }

    /// Runs the pipeline of the edited domain through the datamarts.
    pub fn run_edited(&self) -> Ran {
        self.lakehouse(&["run", "fraud", "--domains", "domains", "--sources", "sources", "--skip-training", "--json"])
    }

    /// A query's rows: column name → text, empty for null.
    pub fn rows(&self, sql: &str) -> Vec<std::collections::BTreeMap<String, String>> {
        let ran = self.lakehouse(&["sql", sql, "--format", "csv"]).good();
        csv::Reader::from_reader(ran.output.stdout.as_slice()).deserialize().map(|row| row.unwrap()).collect()
    }

    /// A query's only value.
    pub fn value(&self, sql: &str) -> String {
        let rows = self.rows(sql);
        assert_eq!(rows.len(), 1, "{sql}");
        rows[0].values().next().unwrap().clone()
    }
}

/// Everything a user can query, except when and in which batch rows arrived: a line a row.
pub fn contents(workspace: &Workspace) -> Vec<Vec<String>> {
    const QUERIES: [&str; 8] = [
        "select * exclude (situation_date) from silver.transactions order by transaction_id",
        "select * from signals.transactions order by transaction_id",
        "select * from gold.dm_client_features order by client_id",
        "select * from gold.dm_card_features order by tx_card_id",
        "select * from gold.dm_client_velocity order by client_id",
        "select * from gold.dm_mcc_fraud_risk order by mcc_code",
        "select * from gold.dm_time_of_day_fraud order by hour",
        "select * from gold.dm_card_latest_signals order by tx_card_id",
    ];
    let lake = workspace.open_lake();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    QUERIES.iter().map(|sql| runtime.block_on(lines(&lake, sql))).collect()
}

async fn lines(lake: &Lake, sql: &str) -> Vec<String> {
    let session = lake.session(&"fraud".parse().unwrap());
    session.register_references(lake, sql).await.unwrap();
    let batches: Vec<_> = session.query(sql).await.unwrap().try_collect().await.unwrap();
    let mut csv = arrow::csv::Writer::new(Vec::new());
    batches.iter().for_each(|batch| csv.write(batch).unwrap());
    let bytes = csv.into_inner();
    let mut rows = csv::Reader::from_reader(bytes.as_slice());
    rows.records().map(|row| rounded(row.unwrap().iter())).collect()
}

/// Means may differ in the last bits when rows are added up in another order.
fn rounded<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let round = |value: &str| match value.parse::<f64>() {
        Ok(number) if value.contains('.') => format!("{number:.9e}"),
        _ => value.to_owned(),
    };
    values.map(round).collect::<Vec<_>>().join("|")
}

impl Ran {
    pub fn good(self) -> Self {
        assert!(self.output.status.success(), "stdout: {}\nstderr: {}", self.stdout(), self.stderr());
        self
    }

    /// The program refused, with a sentence and without a panic.
    pub fn bad(self) -> Self {
        assert_eq!(self.output.status.code(), Some(1), "stdout: {}\nstderr: {}", self.stdout(), self.stderr());
        assert!(!self.stderr().contains("panicked"), "{}", self.stderr());
        self
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout()))
    }
}

/// Data that is not part of the project: `shared` beside it. Tests that need it say so where it is absent.
pub fn shared_data(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if !found.exists() {
        eprintln!("skipped: {} is not there", found.display());
        return None;
    }
    Some(found.canonicalize().unwrap())
}

/// The real transactions, run once through the datamarts for all tests that look at them.
pub static REAL: LazyLock<Option<Workspace>> = LazyLock::new(|| {
    let data = shared_data("fraud/kaggle_ct")?;
    let workspace = Workspace::new();
    // The folder also holds a file that belongs to no source.
    let ran = workspace.lakehouse(&["run", "fraud", "--sources", data.to_str().unwrap(), "--skip-training", "--json"]).good();
    let report = ran.json();
    assert_eq!(report["sources"][5]["source"], "transactions", "{report:#}");
    Some(workspace)
});
