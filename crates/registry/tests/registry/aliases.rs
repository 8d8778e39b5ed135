use futures::future::join_all;
use lakehouse_registry::{AliasMove, AliasName, MoveNumber, RegistryError, VersionNumber};

use crate::shelf::{Shelf, fraud};

impl Shelf {
    async fn with_versions(count: u32) -> Self {
        let shelf = Self::new();
        for seed in 1..=count {
            shelf.with_version(seed).await;
        }
        shelf
    }

    async fn promote(&self, version: u32) -> AliasMove {
        let current = self.champion().await.map(|current| current.number);
        let (model, alias) = (fraud(), AliasName::champion());
        self.registry.promote(&model, &alias, VersionNumber(version), current, "better").await.expect("promoted")
    }

    async fn rollback(&self) -> Result<u32, RegistryError> {
        self.registry.rollback(&fraud(), &AliasName::champion()).await.map(|moved| moved.version.0)
    }

    async fn champion(&self) -> Option<AliasMove> {
        self.registry.alias(&fraud(), &AliasName::champion()).await.expect("alias")
    }
}

#[tokio::test]
async fn an_alias_points_where_it_was_moved_last_and_remembers_every_move() {
    let shelf = Shelf::with_versions(2).await;
    assert_eq!(shelf.champion().await, None);
    let first = shelf.promote(1).await;
    let second = shelf.promote(2).await;
    assert_eq!(shelf.champion().await.as_ref(), Some(&second));
    assert_eq!(shelf.registry.history(&fraud(), &AliasName::champion()).await.expect("history"), [second, first]);
    assert_eq!(shelf.registry.alias(&fraud(), &AliasName::challenger()).await.expect("alias"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_promoters_exactly_one_wins_and_the_others_learn_who() {
    let shelf = Shelf::with_versions(32).await;
    for round in 0..5 {
        let expected = shelf.champion().await.map(|current| current.number);
        let attempts = join_all((1..=32).map(|version| {
            let registry = shelf.registry.clone();
            let reason = format!("round {round}, promoter {version}");
            tokio::spawn(async move {
                registry.promote(&fraud(), &AliasName::champion(), VersionNumber(version), expected, &reason).await
            })
        }));
        let outcomes: Vec<_> = attempts.await.into_iter().map(|task| task.expect("task")).collect();
        // The promoter of what already holds may find nothing to do before the race is decided.
        let has_moved = |moved: &&AliasMove| Some(moved.number) != expected;
        let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).filter(has_moved).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        for outcome in &outcomes {
            match outcome {
                Err(RegistryError::Conflict { winner, .. }) => assert_eq!(winner.as_deref(), Some(winners[0])),
                Err(other) => unreachable!("{other}"),
                Ok(_) => {}
            }
        }
        assert_eq!(shelf.champion().await.as_ref(), Some(winners[0]));
    }
}

#[tokio::test]
async fn a_promoter_that_looked_at_an_old_state_is_told_who_moved() {
    let shelf = Shelf::with_versions(2).await;
    shelf.promote(1).await;
    for expected in [None, Some(MoveNumber(2))] {
        let stale = shelf.registry.promote(&fraud(), &AliasName::champion(), VersionNumber(2), expected, "late").await;
        let message = stale.expect_err("stale").to_string();
        assert!(message.starts_with("`champion` of `fraud` has been moved in the meantime: move 1 at "), "{message}");
        assert!(message.ends_with("set version 1 (better)"), "{message}");
    }
}

#[tokio::test]
async fn promoting_what_holds_writes_nothing_and_what_is_not_there_is_refused() {
    let shelf = Shelf::with_versions(1).await;
    let first = shelf.promote(1).await;
    assert_eq!(shelf.promote(1).await, first);
    let unknown = shelf.registry.promote(&fraud(), &AliasName::champion(), VersionNumber(9), Some(first.number), "").await;
    assert!(matches!(unknown, Err(RegistryError::UnknownVersion { .. })));
}

#[tokio::test]
async fn rollbacks_go_back_promotion_by_promotion_until_there_is_none() {
    let shelf = Shelf::with_versions(4).await;
    for version in [1, 2, 3] {
        shelf.promote(version).await;
    }
    assert_eq!(shelf.rollback().await.expect("to 2"), 2);
    assert_eq!(shelf.rollback().await.expect("to 1, not to 3"), 1);
    let end = shelf.rollback().await.expect_err("nothing before 1");
    assert_eq!(end.to_string(), "`champion` of `fraud` has no earlier version to go back to");
    shelf.promote(4).await;
    assert_eq!(shelf.rollback().await.expect("to what 4 replaced"), 1);

    let last = shelf.champion().await.expect("champion");
    assert_eq!((last.restores, last.reason.as_str()), (Some(MoveNumber(1)), "rolled back from version 4"));
}

#[tokio::test]
async fn an_alias_that_was_never_moved_cannot_be_rolled_back() {
    let shelf = Shelf::with_versions(1).await;
    assert!(matches!(shelf.rollback().await, Err(RegistryError::NoEarlierVersion { .. })));
    shelf.promote(1).await;
    assert!(matches!(shelf.rollback().await, Err(RegistryError::NoEarlierVersion { .. })));
}

#[test]
fn an_alias_is_a_name() {
    assert!("champion".parse::<AliasName>().is_ok());
    for name in ["", "Champion", "../champion", "a/b", "a.b", "1st", &"a".repeat(65)] {
        assert!(name.parse::<AliasName>().is_err(), "{name}");
    }
}
