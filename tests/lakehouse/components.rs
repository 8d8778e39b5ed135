//! Real components that tests talk to, started by `scripts/services` when the first test asks for one. What cannot start fails
//! the test; what runs is left running for the next one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use object_store::{ObjectStore, aws::AmazonS3Builder};

/// What the script says of services that are up: variable → value.
fn service(name: &str) -> BTreeMap<String, String> {
    static UP: LazyLock<Mutex<BTreeMap<String, BTreeMap<String, String>>>> = LazyLock::new(Mutex::default);
    let mut up = UP.lock().unwrap_or_else(PoisonError::into_inner);
    up.entry(name.to_owned()).or_insert_with(|| start(name)).clone()
}

fn start(name: &str) -> BTreeMap<String, String> {
    run_script("services", &["up", name]);
    variables(&run_script("services", &["env", name]))
}

fn variables(lines: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let (key, value) = line.strip_prefix("export ")?.split_once('=')?;
        Some((key.to_owned(), value.trim_matches('\'').to_owned()))
    };
    lines.lines().filter_map(pair).collect()
}

fn run_script(name: &str, arguments: &[&str]) -> String {
    run_script_in(None, name, arguments)
}

/// With another set of services.
fn run_script_in(set: Option<&Path>, name: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name);
    let set = set.map(|folder| ("SERVICES_DIR", folder));
    let output = Command::new(script).args(arguments).envs(set).output().expect("the script runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "scripts/{name} {}: {stderr}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A Python with other programs that read and write Delta tables.
pub fn readers() -> PathBuf {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| run_script("readers", &[]).trim().into());
    PYTHON.clone()
}

/// A Python with drivers of PostgreSQL.
pub fn drivers() -> PathBuf {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| run_script("drivers", &[]).trim().into());
    PYTHON.clone()
}

/// A library that gives a program another clock when it is preloaded.
pub fn fake_clock() -> PathBuf {
    static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| run_script("faketime", &[]).trim().into());
    LIBRARY.clone()
}

/// A service of a test's own, to be stopped and started at will; gone when dropped.
pub struct OwnService {
    name: &'static str,
    folder: PathBuf,
    says: BTreeMap<String, String>,
}

impl OwnService {
    pub fn start(name: &'static str) -> Self {
        let made = tempfile::Builder::new().prefix("lakehouse-own-").tempdir().expect("a folder");
        // Users that services run as pass through it, so the script makes it anew, with the mode it needs.
        let folder = made.path().to_owned();
        drop(made);
        let mut own = Self { name, folder, says: BTreeMap::new() };
        own.up();
        own
    }

    pub fn up(&mut self) {
        run_script_in(Some(&self.folder), "services", &["up", self.name]);
        self.says = variables(&run_script_in(Some(&self.folder), "services", &["env", self.name]));
    }

    /// Without a chance to finish anything.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join(self.name).join("pid")).expect("a pid");
        let pid = pid.split_whitespace().next().expect("a number");
        assert!(Command::new("kill").args(["-KILL", pid]).status().expect("kill").success());
    }

    /// With all its processes; what it keeps stays.
    pub fn down(&self) {
        run_script_in(Some(&self.folder), "services", &["down", self.name]);
    }

    pub fn value(&self, name: &str) -> &str {
        &self.says[name]
    }
}

impl Drop for OwnService {
    fn drop(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/services");
        let _ = Command::new(script).args(["down", "--purge"]).env("SERVICES_DIR", &self.folder).status();
    }
}

/// A mail server that keeps what it gets: its address, and the folder with a file for each mail.
pub fn mail_sink() -> (String, PathBuf) {
    let says = service("smtp");
    (format!("smtp://{}", says["SERVICE_SMTP"]), says["SERVICE_SMTP_FOLDER"].clone().into())
}

/// A search engine with the bulk interface of Elasticsearch.
pub fn search_engine() -> String {
    service("opensearch")["SERVICE_ELASTICSEARCH"].clone()
}

/// The PostgreSQL server of the tests; its address names a database that is nobody's.
pub fn postgres() -> String {
    service("postgresql")["SERVICE_POSTGRES"].clone()
}

/// A bucket of a store that speaks S3.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub name: &'static str,
    pub endpoint: String,
    pub access_key: String,
    pub secret_key: String,
    bucket: String,
}

impl Bucket {
    pub fn minio() -> Self {
        Self::of("minio")
    }

    /// The stores that a lake has to work on.
    pub fn all() -> [Self; 2] {
        [Self::minio(), Self::of("seaweedfs")]
    }

    fn of(name: &'static str) -> Self {
        Self::told(name, &service(name))
    }

    /// That of a test's own store.
    pub fn own(store: &OwnService) -> Self {
        Self::told(store.name, &store.says)
    }

    fn told(name: &'static str, says: &BTreeMap<String, String>) -> Self {
        let value = |key: &str| says[&format!("SERVICE_{}_{key}", name.to_uppercase())].clone();
        Self {
            name,
            endpoint: value("ENDPOINT"),
            access_key: value("ACCESS_KEY"),
            secret_key: value("SECRET_KEY"),
            bucket: value("BUCKET"),
        }
    }

    /// A lake that no other test uses.
    pub fn fresh_uri(&self) -> String {
        let folder = tempfile::Builder::new().rand_bytes(16).tempdir().expect("a folder");
        let name = folder.path().file_name().expect("a name").to_string_lossy().trim_start_matches('.').to_owned();
        format!("s3://{}/{name}/lake", self.bucket)
    }

    /// The bucket without the program.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        let builder = AmazonS3Builder::new().with_endpoint(&self.endpoint).with_allow_http(true).with_bucket_name(&self.bucket);
        let builder = builder.with_access_key_id(&self.access_key).with_secret_access_key(&self.secret_key);
        Arc::new(builder.build().expect("a store"))
    }

    /// How the program reaches it.
    pub fn settings(&self) -> Vec<(String, String)> {
        [
            ("ENDPOINT", self.endpoint.as_str()),
            ("ALLOW_HTTP", "true"),
            ("ACCESS_KEY_ID", &self.access_key),
            ("SECRET_ACCESS_KEY", &self.secret_key),
        ]
        .map(|(key, value)| (format!("LAKEHOUSE_S3__{key}"), value.to_owned()))
        .to_vec()
    }
}
