use std::io;

use bytes::Bytes;
use futures::stream;
use lakehouse_registry::{OnlineName, RegistryError, StateNumber};
use lakehouse_spec::DomainName;

use crate::shelf::Shelf;

fn cards() -> (DomainName, OnlineName) {
    ("fraud".parse().expect("name"), "card_activity".parse().expect("name"))
}

#[tokio::test]
async fn the_latest_state_is_the_one_stored_last() {
    let (shelf, (domain, name)) = (Shelf::new(), cards());
    assert_eq!(shelf.registry.latest_online(&domain, &name).await.expect("none"), None);
    let first = shelf.registry.put_online(&domain, &name, Bytes::from_static(b"one")).await.expect("first");
    let second = shelf.registry.put_online(&domain, &name, Bytes::from_static(b"two")).await.expect("second");
    assert_eq!((first.number, second.number), (StateNumber(1), StateNumber(2)));
    let latest = shelf.registry.latest_online(&domain, &name).await.expect("latest");
    assert_eq!(latest.as_ref(), Some(&second));
    assert_eq!(shelf.registry.read_online(&second).await.expect("bytes"), "two");
    assert_eq!(shelf.registry.read_online(&first).await.expect("bytes"), "one", "a reader of the old state finishes");
}

#[tokio::test]
async fn an_unchanged_state_is_not_stored_again_however_it_comes() {
    let (shelf, (domain, name)) = (Shelf::new(), cards());
    let chunks = (0..200).map(|at: u8| Ok(Bytes::from(vec![at; 100_000])));
    let streamed = shelf.registry.put_online_stream(&domain, &name, stream::iter(chunks)).await.expect("stream");
    assert_eq!(streamed.size_bytes, 20_000_000);
    let whole: Vec<u8> = (0..200).flat_map(|at: u8| vec![at; 100_000]).collect();
    assert_eq!(shelf.registry.put_online(&domain, &name, whole.clone().into()).await.expect("whole"), streamed);
    assert_eq!(shelf.registry.read_online(&streamed).await.expect("bytes"), whole);
    assert_eq!((shelf.count("artifacts"), shelf.count("staging")), (1, 0));
}

#[tokio::test]
async fn a_stream_that_breaks_leaves_nothing() {
    let (shelf, (domain, name)) = (Shelf::new(), cards());
    let chunks = [Ok(Bytes::from_static(b"half")), Err(io::Error::other("gone"))];
    let broken = shelf.registry.put_online_stream(&domain, &name, stream::iter(chunks)).await;
    assert!(matches!(broken, Err(RegistryError::Input(_))), "{broken:?}");
    assert_eq!(shelf.registry.latest_online(&domain, &name).await.expect("none"), None);
    assert_eq!((shelf.count("artifacts"), shelf.count("staging")), (0, 0));
}
