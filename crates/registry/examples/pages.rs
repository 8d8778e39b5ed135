//! How long a page of a model's versions takes: `pages [VERSIONS]`, 10,000 unless said, in a folder of its own.

use std::{error::Error, fs, io::Write as _, sync::Arc, time::Instant};

use jiff::Timestamp;
use lakehouse_registry::{NewVersion, Registry, VersionNumber, VersionPage};
use object_store::local::LocalFileSystem;
use serde_json::json;

const PAGES: u32 = 50;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let versions: u32 = std::env::args().nth(1).map_or(Ok(10_000), |given| given.parse())?;
    let folder = tempfile::tempdir()?;
    let registry = Registry::at(Arc::new(LocalFileSystem::new_with_prefix(folder.path())?), "root".into());
    let model = "fraud".parse()?;
    let new =
        NewVersion { manifest: json!({ "about": "x".repeat(4_000) }), files: Vec::new(), created_at: Timestamp::UNIX_EPOCH };
    let first = serde_json::to_value(registry.register(&model, new).await?)?;
    for number in 2..=versions {
        let mut record = first.clone();
        record["version"] = number.into();
        fs::write(folder.path().join(format!("root/models/fraud/versions/{number:08}.json")), record.to_string())?;
    }
    let mut took = Vec::new();
    for page in 0..PAGES {
        let before = (page > 0).then(|| VersionNumber(versions - page * (versions / PAGES)));
        let started = Instant::now();
        registry.versions(&model, VersionPage { before, limit: 20 }).await?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{PAGES} pages of 20 of {versions} versions: median {:?}, slowest {:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    )?;
    Ok(())
}
