use std::time::Duration;

use jiff::Timestamp;
use lakehouse_metadata::{Lease, LeaseOutcome, LeaseState, Metadata};

use crate::harness::{Home, all_at_once};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);
const LONGER_THAN_SHORT: Duration = Duration::from_millis(400);
const NAME: &str = "run/fraud";

async fn take(metadata: &Metadata, holder: &str, ttl: Duration) -> Lease {
    match metadata.acquire(NAME, holder, ttl).await.expect("it answers") {
        LeaseOutcome::Held(lease) => lease,
        busy => panic!("{holder}: {busy:?}"),
    }
}

async fn is_held(metadata: &Metadata, lease: &Lease) -> bool {
    metadata.check(lease).await.expect("it answers") == LeaseState::Held(lease.clone())
}

/// Asks for the lease from all handles at once; the one lease that is held.
async fn race(handles: &[Metadata], round: usize) -> Lease {
    let outcomes = all_at_once(handles, |number, metadata| async move {
        let holder = format!("holder {number} of round {round}");
        metadata.acquire(NAME, &holder, LONG).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    let held: Vec<&Lease> =
        outcomes.iter().filter_map(|outcome| if let LeaseOutcome::Held(lease) = outcome { Some(lease) } else { None }).collect();
    let [lease] = held[..] else { panic!("round {round} has {} holders: {held:?}", held.len()) };
    for outcome in &outcomes {
        if let LeaseOutcome::Busy(busy) = outcome {
            assert_eq!(busy, lease);
        }
    }
    lease.clone()
}

pub async fn sixteen_handles_race_for_fifty_rounds_and_each_has_one_holder(home: &Home) {
    let handles = home.open_many(16).await;
    for round in 1..=50 {
        let lease = race(&handles, round).await;
        assert_eq!(lease.fence, round as i64, "a fence counts the holdings");
        let late = Lease { fence: lease.fence - 1, ..lease.clone() };
        assert!(!handles[round % 16].release(&late).await.expect("it answers"));
        assert!(handles[round % 16].release(&lease).await.expect("it answers"));
    }
    println!("16 handles, 50 rounds: 50 holders, 750 told that it is busy, fences 1 to 50");
}

pub async fn sixteen_handles_race_for_an_expired_lease_and_one_gets_it(home: &Home) {
    const ROUNDS: usize = 10;
    let handles = home.open_many(16).await;
    for round in 1..=ROUNDS {
        let old = take(&handles[0], "old", Duration::from_millis(20)).await;
        tokio::time::sleep(Duration::from_millis(40)).await;
        let lease = race(&handles, round).await;
        assert_eq!(lease.fence, old.fence + 1);
        assert!(handles[0].release(&lease).await.expect("it answers"));
    }
    println!("16 handles, {ROUNDS} expired leases: {ROUNDS} holders");
}

pub async fn a_stale_holder_changes_nothing(home: &Home) {
    let metadata = home.open().await;
    let stale = take(&metadata, "stale", SHORT).await;
    assert!(is_held(&metadata, &stale).await);
    let busy = metadata.acquire(NAME, "next", LONG).await.expect("it answers");
    assert_eq!(busy, LeaseOutcome::Busy(stale.clone()));
    tokio::time::sleep(LONGER_THAN_SHORT).await;

    let next = take(&metadata, "next", LONG).await;
    assert_eq!(next.fence, stale.fence + 1);
    let lost = LeaseState::Lost { holder: Some("next".to_owned()), fence: next.fence };
    assert_eq!(metadata.check(&stale).await.expect("it answers"), lost);
    assert_eq!(metadata.renew(&stale, LONG).await.expect("it answers"), lost);
    assert!(!metadata.release(&stale).await.expect("it answers"));
    // Neither does one that has the right name and the wrong fence, or the other way round.
    assert_eq!(metadata.renew(&Lease { fence: 1, ..next.clone() }, LONG).await.expect("it answers"), lost);
    assert!(!metadata.release(&Lease { holder: "stale".to_owned(), ..next.clone() }).await.expect("it answers"));
    assert!(is_held(&metadata, &next).await);
}

pub async fn a_lease_that_nobody_took_can_be_renewed_after_its_time(home: &Home) {
    let metadata = home.open().await;
    let lease = take(&metadata, "slow", SHORT).await;
    tokio::time::sleep(LONGER_THAN_SHORT).await;
    assert_eq!(metadata.check(&lease).await.expect("it answers"), LeaseState::Expired);
    let LeaseState::Held(renewed) = metadata.renew(&lease, LONG).await.expect("it answers") else { panic!("it was free") };
    assert_eq!((renewed.fence, renewed.expires_at > lease.expires_at), (lease.fence, true));
    assert!(is_held(&metadata, &renewed).await);
}

pub async fn a_renewed_lease_does_not_expire(home: &Home) {
    let metadata = home.open().await;
    let mut lease = take(&metadata, "busy", SHORT).await;
    for _ in 0..8 {
        tokio::time::sleep(SHORT / 3).await;
        let LeaseState::Held(renewed) = metadata.renew(&lease, SHORT).await.expect("it answers") else { panic!("it was held") };
        assert!(renewed.expires_at > lease.expires_at);
        lease = renewed;
        assert!(matches!(metadata.acquire(NAME, "next", LONG).await.expect("it answers"), LeaseOutcome::Busy { .. }));
    }
    assert_eq!(lease.fence, 1);
}

pub async fn a_released_lease_is_free_at_once_and_does_not_come_back(home: &Home) {
    let metadata = home.open().await;
    let first = take(&metadata, "first", LONG).await;
    assert!(metadata.release(&first).await.expect("it answers"));
    assert!(!metadata.release(&first).await.expect("it answers"));
    let nobody = LeaseState::Lost { holder: None, fence: 1 };
    assert_eq!(metadata.renew(&first, LONG).await.expect("it answers"), nobody);
    assert_eq!(metadata.check(&first).await.expect("it answers"), nobody);
    assert_eq!(take(&metadata, "first", LONG).await.fence, 2, "the same name is a new holder");
    assert!(matches!(metadata.check(&first).await.expect("it answers"), LeaseState::Lost { fence: 2, .. }));
}

pub async fn a_holder_that_asks_again_is_busy_with_itself(home: &Home) {
    let metadata = home.open().await;
    let lease = take(&metadata, "twin", LONG).await;
    let again = metadata.acquire(NAME, "twin", LONG).await.expect("it answers");
    assert_eq!(again, LeaseOutcome::Busy(lease));
}

pub async fn leases_of_other_names_do_not_hinder_each_other(home: &Home) {
    let metadata = home.open().await;
    let fraud = take(&metadata, "one", LONG).await;
    let LeaseOutcome::Held(network) = metadata.acquire("run/network", "one", LONG).await.expect("it answers") else {
        panic!("it was free")
    };
    assert!(metadata.release(&network).await.expect("it answers"));
    assert!(is_held(&metadata, &fraud).await);
    let unknown = Lease { name: "run/health".to_owned(), ..fraud };
    assert_eq!(metadata.check(&unknown).await.expect("it answers"), LeaseState::Lost { holder: None, fence: 0 });
}

pub async fn the_longest_time_does_not_overflow(home: &Home) {
    let metadata = home.open().await;
    let lease = take(&metadata, "patient", Duration::MAX).await;
    assert!(lease.expires_at > "2900-01-01T00:00:00Z".parse::<Timestamp>().expect("an instant"));
    assert!(matches!(metadata.renew(&lease, Duration::MAX).await.expect("it answers"), LeaseState::Held(_)));
}
