use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lakehouse_metadata::{EventFilter, EventLevel, EventRecord, Metadata, MetadataError, NewEvent};
use serde_json::json;

use crate::harness::{Home, all_at_once, at, domain, new_event, new_run};

const EVERYTHING: EventFilter = EventFilter { run: None, domain: None, after: 0, limit: 100_000 };

async fn numbers(metadata: &Metadata, filter: &EventFilter) -> Vec<i64> {
    metadata.events(filter).await.expect("it reads").iter().map(|event| event.id).collect()
}

pub async fn events_are_numbered_and_found_by_run_and_domain(home: &Home) {
    let metadata = home.open().await;
    for run in ["first", "second"] {
        metadata.start_run(&new_run(run, "fraud", 0)).await.expect("it starts");
    }
    let odd = NewEvent {
        domain: domain("network"),
        level: EventLevel::Warning,
        payload: json!({"\0": [null, 1.25, "ß"]}),
        ..new_event("schedule.late", None)
    };
    let batch = [new_event("run.started", Some("first")), new_event("run.started", Some("second")), odd.clone()];
    assert_eq!(metadata.append_events(&batch).await.expect("it is appended"), [1, 2, 3]);
    assert_eq!(metadata.append_events(&[]).await.expect("nothing is nothing"), [0; 0]);
    assert_eq!(metadata.append_events(&batch[..1]).await.expect("it is appended"), [4]);

    let third = EventFilter { after: 2, limit: 1, ..EVERYTHING };
    let expected = EventRecord {
        id: 3,
        run: None,
        domain: odd.domain,
        at: at(0),
        name: odd.name,
        level: EventLevel::Warning,
        payload: odd.payload,
    };
    assert_eq!(metadata.events(&third).await.expect("it reads"), [expected]);
    let of = |run: Option<&str>, in_domain: Option<&str>| EventFilter {
        run: run.map(str::to_owned),
        domain: in_domain.map(domain),
        ..EVERYTHING
    };
    assert_eq!(numbers(&metadata, &EVERYTHING).await, [1, 2, 3, 4]);
    assert_eq!(numbers(&metadata, &of(Some("first"), None)).await, [1, 4]);
    assert_eq!(numbers(&metadata, &of(None, Some("fraud"))).await, [1, 2, 4]);
    assert_eq!(numbers(&metadata, &of(Some("first"), Some("network"))).await, [0; 0]);
    assert_eq!(numbers(&metadata, &EventFilter { after: 1, limit: 2, ..of(None, Some("fraud")) }).await, [2, 4]);
}

pub async fn a_batch_with_an_event_of_an_unknown_run_leaves_nothing(home: &Home) {
    let metadata = home.open().await;
    let batch = [new_event("good", None), new_event("bad", Some("nobody")), new_event("good", None)];
    let error = metadata.append_events(&batch).await.expect_err("no such run");
    assert!(matches!(&error, MetadataError::UnknownRun(run) if run == "nobody"), "{error:?}");
    assert_eq!(numbers(&metadata, &EVERYTHING).await, [0; 0]);
    assert_eq!(metadata.append_events(&batch[..1]).await.expect("it is appended"), [1]);
}

/// Writers commit in another order than they start. Were numbers given out before that, a reader would pass some by.
pub async fn a_reader_that_remembers_its_last_number_misses_nothing(home: &Home) {
    const WRITERS: usize = 8;
    const BATCHES: usize = 25;
    const BATCH: usize = 3;
    let mut handles = home.open_many(WRITERS + 1).await;
    let reader = handles.pop().expect("a handle");
    let tail = tokio::spawn(async move {
        let mut seen = Vec::new();
        let mut reads = 0;
        while seen.len() < WRITERS * BATCHES * BATCH {
            let after = seen.last().copied().unwrap_or_default();
            seen.extend(numbers(&reader, &EventFilter { after, limit: 7, ..EVERYTHING }).await);
            reads += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        (seen, reads)
    });
    let appended = all_at_once(&handles, |_, metadata| async move {
        let batch = Arc::new([new_event("a", None), new_event("b", None), new_event("c", None)]);
        for _ in 0..BATCHES {
            metadata.append_events(&*batch).await.expect("it is appended");
        }
    });
    appended.await;
    let (seen, reads) = tokio::time::timeout(Duration::from_secs(30), tail).await.expect("nothing is missed").expect("no panic");
    assert!(seen.iter().copied().eq(1..=(WRITERS * BATCHES * BATCH) as i64));
    println!("{WRITERS} writers, {BATCHES} batches of {BATCH} each, followed in {reads} reads without a gap");
}

pub async fn an_append_that_is_given_up_half_way_leaves_nothing(home: &Home) {
    const BATCH: usize = 40;
    const ROUNDS: u32 = 40;
    let metadata = home.open().await;
    let batch = vec![new_event("many", None); BATCH];
    let started = Instant::now();
    metadata.append_events(&batch).await.expect("it is appended");
    let whole = started.elapsed();
    let mut confirmed = 1;
    for round in 0..ROUNDS {
        match tokio::time::timeout(whole * round / ROUNDS, metadata.append_events(&batch)).await {
            Ok(done) => confirmed += usize::from(done.is_ok()),
            Err(_given_up) => {}
        }
    }
    let kept = numbers(&metadata, &EVERYTHING).await;
    assert!(confirmed < 1 + ROUNDS as usize, "nothing was given up");
    assert!(kept.iter().copied().eq(1..=kept.len() as i64));
    assert!(kept.len().is_multiple_of(BATCH) && kept.len() >= confirmed * BATCH, "{} of {confirmed} batches", kept.len());
    println!("1 + {ROUNDS} appends of {BATCH} events, {confirmed} confirmed, {} kept", kept.len() / BATCH);
}
