use std::fs;

use lakehouse_registry::{RegistryError, VersionNumber};

use crate::shelf::{Shelf, fraud, version};

const FIRST: VersionNumber = VersionNumber(1);

impl Shelf {
    async fn model_file_after(&self, damage: &[u8]) -> Result<bytes::Bytes, RegistryError> {
        let digest = self.with_version(1).await.files[0].sha256.to_string();
        fs::write(self.path(&format!("artifacts/{digest}")), damage).expect("damage");
        self.registry.read_file(&fraud(), FIRST, "model.json").await
    }
}

#[tokio::test]
async fn a_file_that_was_changed_is_refused() {
    let shelf = Shelf::new();
    let changed = shelf.model_file_after(b"weightS 1").await.expect_err("changed").to_string();
    assert!(changed.contains("has been damaged or changed: its SHA-256 is "), "{changed}");
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_refused() {
    let shelf = Shelf::new();
    let short = shelf.model_file_after(b"weig").await.expect_err("short").to_string();
    assert!(short.ends_with("it has 4 bytes instead of 9"), "{short}");
}

#[tokio::test]
async fn registering_the_same_file_again_repairs_it() {
    let shelf = Shelf::new();
    shelf.model_file_after(b"").await.expect_err("empty");
    shelf.with_version(1).await;
    assert_eq!(shelf.registry.read_file(&fraud(), FIRST, "model.json").await.expect("repaired"), "weights 1");
}

#[tokio::test]
async fn a_record_that_names_a_path_or_another_version_is_refused() {
    let shelf = Shelf::new();
    let record = serde_json::to_value(shelf.with_version(1).await).expect("record");
    let path = shelf.path("models/fraud/versions/00000001.json");

    let mut hostile = record.clone();
    hostile["files"][0]["sha256"] = "../../../../etc/passwd".into();
    fs::write(&path, hostile.to_string()).expect("write");
    let refused = shelf.registry.read_file(&fraud(), FIRST, "model.json").await;
    assert!(matches!(refused, Err(RegistryError::Record { .. })), "{refused:?}");

    let mut other = record;
    other["version"] = 7.into();
    fs::write(&path, other.to_string()).expect("write");
    let refused = shelf.registry.version(&fraud(), FIRST).await;
    assert!(matches!(refused, Err(RegistryError::Damaged { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_damaged_latest_record_does_not_keep_the_next_from_being_registered() {
    let shelf = Shelf::new();
    shelf.with_version(1).await;
    fs::write(shelf.path("models/fraud/versions/00000001.json"), "").expect("write");
    assert_eq!(shelf.with_version(2).await.version, VersionNumber(2));
}

#[tokio::test]
async fn a_writer_killed_half_way_leaves_nothing_that_anyone_sees() {
    let shelf = Shelf::new();
    // As after a kill between the files and the record, and in the middle of a file and of a record.
    fs::create_dir_all(shelf.path("artifacts")).expect("folder");
    fs::create_dir_all(shelf.path("models/fraud/versions")).expect("folder");
    fs::write(shelf.path("artifacts/0f0f"), "weights").expect("write");
    fs::write(shelf.path("artifacts/abcd#1"), "weig").expect("write");
    fs::write(shelf.path("models/fraud/versions/00000001.json#1"), "{").expect("write");
    assert!(shelf.registry.version(&fraud(), FIRST).await.is_err());
    assert_eq!(shelf.registry.register(&fraud(), version(1)).await.expect("version").version, FIRST);
    assert_eq!(shelf.registry.read_file(&fraud(), FIRST, "model.json").await.expect("file"), "weights 1");
}
