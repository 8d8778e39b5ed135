use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use futures::future::join_all;
use lakehouse_registry::{Registry, RegistryError, VersionNumber, VersionPage};
use object_store::local::LocalFileSystem;
use url::Url;

use crate::shelf::{Shelf, fraud, version};

const ALL: VersionPage = VersionPage { before: None, limit: usize::MAX };

#[tokio::test]
async fn versions_are_numbered_from_one_and_read_back_as_registered() {
    let shelf = Shelf::new();
    let first = shelf.with_version(1).await;
    let second = shelf.with_version(2).await;
    assert_eq!((first.version, second.version), (VersionNumber(1), VersionNumber(2)));
    assert_eq!(shelf.registry.version(&fraud(), VersionNumber(1)).await.expect("version"), first);
    assert_eq!(shelf.registry.read_file(&fraud(), VersionNumber(2), "model.json").await.expect("file"), "weights 2");
    assert_eq!(shelf.registry.versions(&fraud(), ALL).await.expect("page"), [second, first]);
    assert_eq!(shelf.registry.models().await.expect("models"), [fraud()]);
}

#[tokio::test]
async fn what_equals_the_latest_version_is_that_version() {
    let shelf = Shelf::new();
    let first = shelf.with_version(1).await;
    assert_eq!(shelf.with_version(1).await, first);
    shelf.with_version(2).await;
    assert_eq!(shelf.with_version(1).await.version, VersionNumber(3), "an older one comes back under a new number");
    assert_eq!(shelf.count("artifacts"), 3, "equal files are kept once");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_get_a_number_each() {
    let shelf = Shelf::new();
    let registered = join_all((0..32).map(|seed| {
        let registry = shelf.registry.clone();
        tokio::spawn(async move { registry.register(&fraud(), version(seed)).await })
    }));
    let numbers = registered.await.into_iter().map(|task| task.expect("task").expect("version").version.0);
    assert_eq!(numbers.collect::<BTreeSet<_>>(), (1..=32).collect());
}

#[tokio::test]
async fn a_page_starts_below_the_last_one_and_reads_a_page_of_ten_thousand_versions() {
    let shelf = Shelf::new();
    let record = serde_json::to_value(shelf.with_version(1).await).expect("record");
    for number in 2..=10_000 {
        let mut record = record.clone();
        record["version"] = number.into();
        fs::write(shelf.path(&format!("models/fraud/versions/{number:08}.json")), record.to_string()).expect("write");
    }
    let (registry, requests) = shelf.counting();
    let first = registry.versions(&fraud(), VersionPage { before: None, limit: 20 }).await.expect("page");
    let needed = requests.load(Ordering::Relaxed);
    assert_eq!((first[0].version, first[19].version), (VersionNumber(10_000), VersionNumber(9_981)));
    let next = VersionPage { before: Some(first[19].version), limit: 20 };
    assert_eq!(shelf.registry.versions(&fraud(), next).await.expect("page")[0].version, VersionNumber(9_980));
    let last = VersionPage { before: Some(VersionNumber(3)), limit: 20 };
    assert_eq!(shelf.registry.versions(&fraud(), last).await.expect("page").len(), 2);
    println!("a page of 20 of 10,000 versions took {needed} requests of the store");
    // Twice the binary logarithm finds the newest, the versions themselves are read, a few at a time ahead of the page's end.
    assert!(needed <= 20 + 16 + 2 * 14, "{needed}");
}

#[tokio::test]
async fn versions_go_on_where_somebody_removed_the_oldest_by_hand() {
    let shelf = Shelf::new();
    for seed in 1..=6 {
        shelf.with_version(seed).await;
    }
    for number in 1..=4 {
        fs::remove_file(shelf.path(&format!("models/fraud/versions/{number:08}.json"))).expect("remove");
    }
    assert_eq!(shelf.with_version(7).await.version, VersionNumber(7));
    let numbers = shelf.registry.versions(&fraud(), ALL).await.expect("page");
    assert_eq!(numbers.iter().map(|version| version.version.0).collect::<Vec<_>>(), [7, 6, 5]);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let shelf = Shelf::new();
    shelf.with_version(1).await;
    let unknown = shelf.registry.version(&fraud(), VersionNumber(2)).await.expect_err("version");
    assert_eq!(unknown.to_string(), "`fraud` has no version 2");
    let unknown = shelf.registry.read_file(&fraud(), VersionNumber(1), "../aliases").await.expect_err("file");
    assert_eq!(unknown.to_string(), "version 1 of `fraud` has no file `../aliases`; it has model.json, reference.json");
}

#[tokio::test]
async fn a_file_name_is_unique_and_not_empty() {
    let shelf = Shelf::new();
    for names in [vec![""], vec!["a", "a"], vec![&*"x".repeat(201)]] {
        let mut new = version(1);
        new.files = names.iter().map(|name| ((*name).to_owned(), Bytes::new())).collect();
        let refused = shelf.registry.register(&fraud(), new).await;
        assert!(matches!(refused, Err(RegistryError::FileName(_))), "{names:?}");
    }
    assert!(shelf.registry.models().await.expect("models").is_empty());
}

#[tokio::test]
async fn a_registry_is_at_the_path_of_its_uri() {
    let folder = tempfile::tempdir().expect("folder");
    let uri = Url::from_file_path(folder.path().join("a lake/registry")).expect("uri");
    let registry = Registry::open(Arc::new(LocalFileSystem::new()), &uri).expect("registry");
    registry.register(&fraud(), version(1)).await.expect("version");
    assert!(folder.path().join("a lake/registry/models/fraud/versions/00000001.json").is_file());
}
