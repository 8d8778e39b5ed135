//! The registry in real buckets: of promoters at once exactly one wins, whatever the store.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use jiff::Timestamp;
use lakehouse_registry::{AliasMove, AliasName, NewVersion, Registry, RegistryError, VersionNumber};
use serde_json::json;
use tokio::runtime::Runtime;
use url::Url;

use crate::components::Bucket;

const PROMOTERS: u32 = 8;

#[test]
fn of_many_promoters_in_a_bucket_one_wins_and_the_others_are_told() {
    let runtime = Runtime::new().unwrap();
    for bucket in Bucket::all() {
        let uri = Url::parse(&bucket.fresh_uri()).unwrap();
        let registry = Arc::new(Registry::open(bucket.store(), &uri).unwrap());
        let told = runtime.block_on(race(&registry, bucket.name));
        println!("{}: five races of {PROMOTERS} promoters, one winner each, {told} told who won", bucket.name);
    }
}

/// How many were told that somebody else had won.
async fn race(registry: &Arc<Registry>, store: &str) -> u32 {
    let (model, alias) = ("fraud".parse().unwrap(), AliasName::champion());
    for number in 1..=PROMOTERS {
        let files = vec![("model.json".to_owned(), Bytes::from(format!("weights {number}")))];
        let new = NewVersion { manifest: json!({ "seed": number }), files, created_at: Timestamp::UNIX_EPOCH };
        registry.register(&model, new).await.unwrap();
    }
    let mut conflicts = 0;
    for round in 0..5 {
        let held: Option<AliasMove> = registry.alias(&model, &alias).await.unwrap();
        let expected = held.map(|held| held.number);
        let attempts = join_all((1..=PROMOTERS).map(|version| {
            let (registry, model, alias) = (Arc::clone(registry), model.clone(), alias.clone());
            let reason = format!("round {round}, promoter {version}");
            tokio::spawn(async move { registry.promote(&model, &alias, VersionNumber(version), expected, &reason).await })
        }));
        let outcomes: Vec<_> = attempts.await.into_iter().map(Result::unwrap).collect();
        let winner = registry.alias(&model, &alias).await.unwrap().unwrap();
        assert_ne!(Some(winner.number), expected, "{store}: somebody won");
        for outcome in outcomes {
            match outcome {
                // Who promotes what already holds has nothing to do.
                Ok(moved) => assert!(moved == winner || Some(moved.number) == expected, "{store}: {moved:?}"),
                Err(RegistryError::Conflict { winner: told, .. }) => {
                    assert_eq!(told.as_deref(), Some(&winner), "{store}");
                    conflicts += 1;
                }
                Err(other) => panic!("{store}: {other}"),
            }
        }
    }
    assert!(conflicts >= 5 * (PROMOTERS - 2), "{store}: {conflicts}");
    conflicts
}
